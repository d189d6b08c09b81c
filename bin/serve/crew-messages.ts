/**
 * What the main thread and the workers of `onering serve --workers` say to each other. Connections
 * that the main thread accepted go as themselves.
 */

import type { TcpStream } from '../../src/io/index.ts';

/** How a worker is to serve; what it is started with. */
export interface CrewOrder {
  readonly folder: string;
  readonly hostname: string;
  readonly port: number;
  /** Whether the main thread accepts. */
  readonly isBalanced: boolean;
}

/** Counters of one thread. */
export interface ThreadMetrics {
  readonly [name: string]: unknown;
}

export type ToWorker =
  | TcpStream
  | { readonly type: 'stop' }
  /** Wants this worker's counters. */
  | { readonly type: 'count'; readonly id: number }
  /** Everybody's counters, as this worker has asked. */
  | { readonly type: 'counted'; readonly id: number; readonly metrics: object };

export type FromWorker =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'complaint'; readonly text: string }
  /** Somebody wants to see everybody's counters. */
  | { readonly type: 'ask'; readonly id: number }
  | { readonly type: 'count'; readonly id: number; readonly metrics: ThreadMetrics }
  | { readonly type: 'stopped'; readonly cutCount: number };

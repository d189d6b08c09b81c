/**
 * One worker of `onering serve --workers`: a site server on a ring of its own, told what to do by
 * the main thread. It listens on the shared port, or serves the connections that it is given.
 *
 * A program: started by `crew.ts`, in a worker thread.
 */

import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Channel, runtime, TcpStream } from '../../src/io/index.ts';
import type { CrewOrder, FromWorker, ThreadMetrics, ToWorker } from './crew-messages.ts';
import { describeError, describeFolderFailure, describeListenFailure } from './failures.ts';
import { SiteServer } from './server.ts';
import { Site } from './site.ts';

const { order, port } = workerData as { order: CrewOrder; port: MessagePort };
const channel = Channel.open<FromWorker, ToWorker>(port);
/** Requests for everybody's counters that the main thread has not answered yet. */
const asked = new Map<number, (metrics: object) => void>();
let nextAsk = 1;

await serve();
await channel.close();
await runtime().close();

async function serve(): Promise<void> {
  let server: SiteServer;
  try {
    server = await start();
  } catch (error) {
    await tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) });
    return;
  }
  await tell({ type: 'ready', url: server.url });
  server.accepting.catch((error: unknown) => {
    void tell({ type: 'failed', reason: `Cannot accept connections: ${describeError(error)}` });
  });
  await followOrders(server);
  await tell({ type: 'stopped', cutCount: await server.stop() });
}

/** Throws errors whose message is for people. */
async function start(): Promise<SiteServer> {
  const { folder, hostname, port: number, isBalanced } = order;
  const onFailure = (error: unknown, what: string): void => {
    void tell({ type: 'complaint', text: `${what}: ${describeError(error)}` });
  };
  let site: Site;
  try {
    site = await Site.open(folder, { metrics: askMetrics, onFailure });
  } catch (error) {
    throw new Error(describeFolderFailure(error, folder), { cause: error });
  }
  const options = { site, onFailure };
  if (isBalanced) return SiteServer.startWithoutListener(options);
  try {
    return await SiteServer.start(options, { hostname, port: number, reusePort: true });
  } catch (error) {
    throw new Error(describeListenFailure(error, hostname, number), { cause: error });
  }
}

/** Returns when the server is to stop: the main thread says so, or is gone. */
async function followOrders(server: SiteServer): Promise<void> {
  for (;;) {
    const message = await next();
    if (message instanceof TcpStream) server.take(message);
    else if (message === null || message.type === 'stop') return;
    else if (message.type === 'count') {
      await tell({ type: 'count', id: message.id, metrics: countersOf(server) });
    } else {
      asked.get(message.id)?.(message.metrics);
      asked.delete(message.id);
    }
  }
}

async function next(): Promise<ToWorker | null> {
  try {
    return await channel.receive();
  } catch {
    // The main thread has closed the channel.
    return null;
  }
}

function countersOf(server: SiteServer): ThreadMetrics {
  const ring = runtime();
  return {
    ...ring.metrics(),
    reason: ring.reason?.message ?? null,
    server: server.metrics(),
  };
}

function askMetrics(): Promise<object> {
  const id = nextAsk;
  nextAsk += 1;
  return new Promise((resolve) => {
    asked.set(id, resolve);
    void tell({ type: 'ask', id });
  });
}

/** A main thread that is gone hears nothing, and needs nothing. */
async function tell(message: FromWorker): Promise<void> {
  try {
    await channel.send(message);
  } catch {
    // It has closed the channel: `followOrders` ends as well.
  }
}

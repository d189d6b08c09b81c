/**
 * A listening socket on the ring, below its face: pausing, closing, what arrives too late. How it
 * does without descriptors is in `conformance/process.test.ts`.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { AcceptHandler, ListenRequest } from '../../../src/io/tcp/acceptor.ts';
import type { Connection } from '../../../src/io/tcp/connection.ts';
import { openRingAcceptor } from '../../../src/io/tcp/ring-acceptor.ts';
import type { RingAcceptor } from '../../../src/io/tcp/ring-acceptor.ts';
import { TcpStream } from '../../../src/io/tcp/tcp-stream.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';
import { uncaughtErrors } from '../../support/uncaught-errors.ts';

const REQUEST: ListenRequest = { hostname: '127.0.0.1', port: 0, backlog: 64, reusePort: false };

/** Keeps what is accepted, and notes the rest. */
class Keeping implements AcceptHandler {
  readonly streams: TcpStream[] = [];
  readonly errors: Error[] = [];
  readonly closed: Promise<void>;
  #resolveClosed = (): void => {};

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  onConnection(connection: Connection): void {
    this.streams.push(new TcpStream(connection));
  }

  onError(error: Error): void {
    this.errors.push(error);
  }

  onClose(): void {
    this.#resolveClosed();
  }
}

function connectTo(acceptor: RingAcceptor): Promise<TcpStream> {
  return TcpStream.connect({ hostname: '127.0.0.1', port: acceptor.address.port });
}

async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

async function destroyAll(...streams: readonly TcpStream[]): Promise<void> {
  await Promise.all(streams.map((stream) => stream.destroy()));
}

describe('RingAcceptor', () => {
  ringTest('6.1', 'accepts nothing before start()', async ({ open }) => {
    const acceptor = await openRingAcceptor(open(), REQUEST);
    const client = await connectTo(acceptor);
    await someTurns();
    const keeping = new Keeping();
    acceptor.start(keeping);
    await someTurns();
    expect(keeping.streams).toHaveLength(1);
    acceptor.close();
    await keeping.closed;
    await destroyAll(client, ...keeping.streams);
  });

  ringTest('6.1', 'leaves connections in the backlog while it is paused', async ({ open }) => {
    const acceptor = await openRingAcceptor(open(), REQUEST);
    const keeping = new Keeping();
    acceptor.start(keeping);
    acceptor.pause();
    await someTurns();
    const clients = [await connectTo(acceptor), await connectTo(acceptor)];
    await someTurns();
    expect(keeping.streams).toEqual([]);
    acceptor.resume();
    await someTurns();
    expect(keeping.streams).toHaveLength(2);
    acceptor.close();
    await keeping.closed;
    await destroyAll(...clients, ...keeping.streams);
  });

  // Older kernels do something else with an accept whose completions find no room.
  ringTest('6.13', 'goes on when listeners throw, also behind a full queue', async ({ open }) => {
    // The kernel ends it, with a connection.
    const runtime = open({ entries: 4, completionEntries: 8, resize: false });
    const acceptor = await openRingAcceptor(runtime, REQUEST);
    const clients = Array.from({ length: 40 }, () => connect(acceptor.address.port, '127.0.0.1'));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    const accepted: Connection[] = [];
    const closed = new Promise<void>((resolve) => {
      acceptor.start({
        onConnection(connection) {
          accepted.push(connection);
          throw new Error(`from ${accepted.length}`);
        },
        onError() {},
        onClose: resolve,
      });
    });
    const errors = await uncaughtErrors(async () => {
      for (let turns = 0; turns < 2000 && accepted.length < 40; turns += 1) await nextTurn();
    });
    expect(runtime.metrics().multishotRearms).toBeGreaterThan(0);
    expect([accepted.length, errors.length]).toEqual([40, 40]);
    acceptor.close();
    await closed;
    for (const connection of accepted) connection.destroy();
    for (const client of clients) client.destroy();
  });

  ringTest('6.1', 'survives pause() and resume() in any order', async ({ open }) => {
    const acceptor = await openRingAcceptor(open(), REQUEST);
    const keeping = new Keeping();
    acceptor.start(keeping);
    const clients: TcpStream[] = [];
    for (let i = 0; i < 30; i += 1) {
      acceptor.pause();
      acceptor.resume();
      if (i % 3 === 0) acceptor.pause();
      clients.push(await connectTo(acceptor));
      if (i % 5 === 0) acceptor.resume();
    }
    acceptor.resume();
    while (keeping.streams.length < clients.length) await nextTurn();
    acceptor.close();
    await keeping.closed;
    expect(keeping.errors).toEqual([]);
    await destroyAll(...clients, ...keeping.streams);
  });

  ringTest('6.1', 'closes what arrives while it closes', async ({ open }) => {
    const runtime = open();
    for (let round = 0; round < 20; round += 1) {
      const acceptor = await openRingAcceptor(runtime, REQUEST);
      const keeping = new Keeping();
      acceptor.start(keeping);
      const clients = Array.from({ length: 4 }, () => connectTo(acceptor));
      if (round % 2 === 0) await nextTurn();
      acceptor.close();
      acceptor.close();
      await keeping.closed;
      const connected = await Promise.allSettled(clients);
      await destroyAll(
        ...keeping.streams,
        ...connected.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
      );
    }
    expect(runtime.metrics().inFlight).toBeLessThanOrEqual(1);
  });

  ringTest('6.1', 'is closed with the runtime', async ({ open }) => {
    const runtime = open();
    const acceptor = await openRingAcceptor(runtime, REQUEST);
    const keeping = new Keeping();
    acceptor.start(keeping);
    await runtime.close();
    await keeping.closed;
    acceptor.close();
    acceptor.resume();
    const socket = connect({ host: '127.0.0.1', port: acceptor.address.port });
    expect((await once(socket, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
  });

  ringTest('6.1', 'leaves no descriptor when it cannot listen', async ({ open }) => {
    const runtime = open();
    const acceptor = await openRingAcceptor(runtime, REQUEST);
    const taken = { ...REQUEST, port: acceptor.address.port };
    const before = openDescriptors().size;
    for (const request of [taken, { ...REQUEST, hostname: '192.0.2.1' }]) {
      await rejectionOf(openRingAcceptor(runtime, request));
    }
    expect(openDescriptors().size).toBe(before);
    const keeping = new Keeping();
    acceptor.start(keeping);
    acceptor.close();
    await keeping.closed;
  });

  ringTest(
    '6.1',
    'resumes after connections came faster than the queue is long',
    async ({ open }) => {
      const runtime: Runtime = open({
        entries: 2,
        completionEntries: 2,
        completionEntriesMax: 2,
        resize: false,
      });
      const acceptor = await openRingAcceptor(runtime, REQUEST);
      const keeping = new Keeping();
      acceptor.start(keeping);
      const sockets = Array.from({ length: 40 }, () =>
        connect({ host: '127.0.0.1', port: acceptor.address.port }),
      );
      while (keeping.streams.length < sockets.length) await nextTurn();
      acceptor.close();
      await keeping.closed;
      expect(keeping.errors).toEqual([]);
      for (const socket of sockets) socket.destroy();
      await destroyAll(...keeping.streams);
      while (sockets.some((socket) => !socket.closed)) await nextTurn();
    },
  );
});

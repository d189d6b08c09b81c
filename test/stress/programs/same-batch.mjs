/**
 * Aborts a read or an accept in the very batch in which its data or its connection arrives: the
 * completion has settled the promise, and what awaited another one aborts before anybody saw it.
 * Whatever the aborted call does, the bytes and the connections must turn up once.
 */

import { runtime, TcpListener, TcpStream } from 'onering';

const ROUNDS = 300;
const ring = runtime();
const hostname = '127.0.0.1';
const listener = await TcpListener.listen({ hostname, port: 0 });
const address = { hostname, port: listener.address().port };
const client = await TcpStream.connect(address);
const server = await listener.accept();

let lost = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  // The abort moves through the batch: by so many microtasks more or less.
  await readOnce(round % 10);
  if (round % 10 === 0) await acceptOnce(round % 7);
}
await client.close();
await server.close();
await listener.close();
console.log(JSON.stringify({ lost, rounds: ROUNDS }));

async function readOnce(hops) {
  const chunk = await raced(
    (signal) => server.read({ signal }),
    () => client.write('x'),
    hops,
  );
  if (String(chunk) !== 'x') lost += 1;
}

async function acceptOnce(hops) {
  const connected = [];
  const stream = await raced(
    (signal) => listener.accept({ signal }),
    async () => void connected.push(await TcpStream.connect(address)),
    hops,
  );
  if (stream === undefined) lost += 1;
  await Promise.all([stream, ...connected].map((it) => it?.close()));
}

/** What the call gave, or the one after it when it was aborted. */
async function raced(call, provoke, hops) {
  const controller = new AbortController();
  // An operation that completes right before, whose continuation aborts in the same drain.
  await ring.nop();
  const result = call(controller.signal);
  await ring.nop();
  const provoked = provoke();
  void abortAfter(controller, hops);
  const value = await result.catch(() => undefined);
  await provoked;
  return value ?? (await call(AbortSignal.timeout(100)).catch(() => undefined));
}

async function abortAfter(controller, hops) {
  await ring.nop();
  for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
  controller.abort();
}

/**
 * Connects to names whose first address is dead: packets to it go nowhere and nothing comes back.
 * Node's resolver is asked (the name is in /etc/hosts), or a `lookup` that is given.
 *
 * Arguments: name, dead address, living address, port of a server that says hello, port that
 * refuses. What happened is the last line, as JSON.
 */

import http from 'node:http';
import { readdirSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { Runtime, TcpStream } from 'onering';
import * as net from 'onering/net';

const [name, dead, living, portText, refusingText] = process.argv.slice(2);
const [port, refusing] = [Number(portText), Number(refusingText)];
const ATTEMPT_MS = 120;
const ring = new Runtime();
net.setDefaultAutoSelectFamilyAttemptTimeout(ATTEMPT_MS);

const EVENTS = [
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  'connect',
  'timeout',
  'error',
  'close',
];

/** A resolver that knows these addresses, in this order. */
function resolver(...addresses) {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_name, { all }, done) => {
    if (all) process.nextTick(done, null, found);
    else process.nextTick(done, null, found[0].address, found[0].family);
  };
}

/** Everything that a socket says until it is closed, and how long it took to connect or fail. */
async function said(options, act = () => {}) {
  const events = [];
  const startMs = performance.now();
  let elapsedMs = 0;
  const socket = net.connect({ host: name, ...options });
  for (const event of EVENTS) {
    socket.on(event, (...args) => {
      if (event === 'connect' || event === 'error') elapsedMs = performance.now() - startMs;
      const error = args.find((value) => value instanceof Error);
      events.push([event, typeof args[0] === 'string' ? args[0] : (error?.code ?? null)]);
    });
  }
  act(socket);
  let error = null;
  let heard = '';
  socket.on('error', (failure) => (error = failure));
  socket.on('data', (data) => (heard += data));
  await new Promise((resolve) => {
    socket.on('close', resolve);
  });
  const codes = error?.errors?.map(({ code, address }) => [code, address]) ?? null;
  const attempted = socket.autoSelectFamilyAttemptedAddresses ?? null;
  return { events, elapsedMs, heard, codes, attempted };
}

function descriptors() {
  return readdirSync('/proc/self/fd').length;
}

async function stream(options) {
  const startMs = performance.now();
  try {
    const connected = await TcpStream.connect(options);
    const heard = String(await connected.read());
    const { address } = connected.remoteAddress;
    await connected.close();
    return { heard, address, elapsedMs: performance.now() - startMs };
  } catch ({ name: kind, code }) {
    return { kind, code, elapsedMs: performance.now() - startMs };
  }
}

/** Node's `http` over connections of ours. */
function get() {
  return new Promise((resolve, reject) => {
    const createConnection = (options) =>
      net.connect({ ...options, port, host: name, lookup: resolver(dead, living) });
    const request = http.get({ host: name, port, createConnection }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
  });
}

// What Node opens once is open before anything is counted.
await said({ port: refusing, lookup: resolver(living) });
await stream({ hostname: name, port: refusing });
const before = descriptors();
const seen = {
  resolved: await said({ port }),
  given: await said({ port, lookup: resolver(dead, living) }),
  own: await said({
    port,
    lookup: resolver(dead, living),
    autoSelectFamilyAttemptTimeout: 40,
  }),
  refused: await said({ port: refusing, lookup: resolver(dead, living) }),
  silent: await said({ port, lookup: resolver(dead), timeout: 80 }, (socket) => {
    socket.on('timeout', () => socket.destroy());
  }),
  aborted: await said({ port, lookup: resolver(dead, living) }, (socket) => {
    // Not in the event itself: Node fails then, with a TypeError of its own.
    socket.on('connectionAttempt', () => setImmediate(() => socket.destroy()));
  }),
  http: await get(),
  stream: await stream({ hostname: name, port }),
  timedOut: await stream({ hostname: dead, port, signal: AbortSignal.timeout(60) }),
};
for (let turns = 0; turns < 200 && descriptors() > before; turns += 1) {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
const leaked = descriptors() - before;
const { inFlight } = ring.metrics();
await ring.close();
console.log(JSON.stringify({ ...seen, leaked, inFlight }));

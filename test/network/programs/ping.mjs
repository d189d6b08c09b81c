/**
 * One end of a ping-pong over TCP: `serve ADDRESS` echoes until its connection ends, and prints its
 * port first; `ping ADDRESS PORT COUNT` sends. What the runtime saw is the last line, as JSON.
 *
 * The option `napi` of the runtime comes as JSON in NAPI.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Runtime, TcpListener, TcpStream } from 'onering';

const [role, hostname, port, count] = process.argv.slice(2);
const napi = JSON.parse(process.env.NAPI ?? 'null');
const warnings = [];
process.on('warning', ({ code }) => warnings.push(code));

const ring = new Runtime({ backend: 'uring', ...(napi === null ? {} : { napi }) });

/** What the kernel says of the rings of this process that poll. */
function napiLines() {
  return readdirSync('/proc/self/fd')
    .filter((fd) => target(fd) === 'anon_inode:[io_uring]')
    .flatMap((fd) => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').split('\n'))
    .filter((line) => /^napi/i.test(line))
    .map((line) => line.replace(/\s+/g, ' '));
}

function target(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

async function serve() {
  const listener = await TcpListener.listen({ hostname, port: 0 });
  console.log(listener.address().port);
  const stream = await listener.accept();
  await listener.close();
  for await (const chunk of stream) await stream.write(chunk);
  await stream.close();
}

async function ping() {
  const stream = await TcpStream.connect({ hostname, port: Number(port) });
  const message = Buffer.alloc(64, 'p');
  const exchange = async () => {
    await stream.write(message);
    for (let size = 0; size < message.length;) size += (await stream.read()).length;
  };
  for (let i = 0; i < 50; i += 1) await exchange();
  const before = ring.metrics();
  const cpuBefore = process.cpuUsage();
  for (let i = 0; i < Number(count); i += 1) await exchange();
  const after = ring.metrics();
  const { user, system } = process.cpuUsage(cpuBefore);
  const seen = {
    sleeps: after.sleeps - before.sleeps,
    waits: after.waits - before.waits,
    cpuMicros: user + system,
    withoutId: after.napiSocketsWithoutId,
    idsWhileOpen: ring.napi.ids,
    tracking: ring.napi.tracking,
    fdinfo: napiLines(),
  };
  await stream.close();
  const { napiIdsAdded, napiIdsRemoved } = ring.metrics();
  const idsAfterClose = ring.napi.ids;
  await ring.close();
  console.log(JSON.stringify({ ...seen, idsAfterClose, napiIdsAdded, napiIdsRemoved, warnings }));
}

await (role === 'serve' ? serve() : ping());

/**
 * Connections that were sent to a worker which is terminated before it receives them: this thread
 * closes them, so that whoever is at their other end hears of it.
 */

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Channel, runtime, TcpListener, TcpStream } from 'onering';

const COUNT = 5;
const source = `
  import('onering').then(({ Channel }) => {
    const channel = Channel.open(require('node:worker_threads').workerData);
    void channel.send('open');
    setInterval(() => {}, 1000);
  });
`;

await run();
const before = descriptors();
const ended = await run();
const leaked = descriptors() - before;
await runtime().close();
console.log(JSON.stringify({ ended, leaked }));

async function run() {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const address = { hostname: '127.0.0.1', port: listener.address().port };
  const { channel, port } = Channel.create();
  const worker = new Worker(source, { eval: true, workerData: port, transferList: [port] });
  await channel.receive();
  const clients = [];
  for (let n = 0; n < COUNT; n += 1) {
    clients.push(await TcpStream.connect(address));
    await channel.send(await listener.accept());
  }
  const exited = once(worker, 'exit');
  void worker.terminate();
  const ends = await Promise.all(clients.map((client) => client.read()));
  await exited;
  await Promise.all(clients.map((client) => client.close()));
  await channel.close();
  await listener.close();
  return ends.filter((end) => end === null).length;
}

function descriptors() {
  return readdirSync('/proc/self/fd').length;
}

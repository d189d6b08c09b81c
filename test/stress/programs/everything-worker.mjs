/**
 * The worker of `everything.mjs`: sends back every message, and on every connection what it gets.
 */

import { workerData } from 'node:worker_threads';
import { Channel, TcpStream, runtime } from 'onering';

const channel = Channel.open(workerData);
for await (const message of channel) {
  if (message instanceof TcpStream) void echo(message);
  else await channel.send(message).catch(({ code }) => code);
}
await runtime().close();

async function echo(stream) {
  for await (const chunk of stream) await stream.write(chunk);
  await stream.close();
}

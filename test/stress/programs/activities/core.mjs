/**
 * Activities of `everything.mjs` in the package's own forms: files, TCP, timers, channels, workers,
 * registered tables, and bursts that press the completion queue.
 *
 * An activity takes random numbers, how many steps to make, and its lane; it throws when what came
 * is not what its model says, and leaves nothing open.
 */

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { abortSoon, aborted, count, expect, folder, isOnRing, ring } from '../stage.mjs';
import { Channel, File, TcpListener, TcpStream } from 'onering';
import { setImmediate as nextTurn, setTimeout as sleep } from 'onering/timers/promises';

const FILE_SIZE = 300_000;
/** Node's own timers go by whole milliseconds of a clock that is read now and then. */
const EARLY_MS = isOnRing ? 0.1 : 2;

/** Reads, writes, sizes, aborts and reopening, against a copy in memory. */
export async function files(random, left, lane) {
  const path = join(folder, `file-${lane}`);
  let model = Buffer.alloc(0);
  let file = await File.open(path, 'w+');
  for (; left > 0; left -= 1) {
    const kind = random.below(6);
    const position = random.below(FILE_SIZE);
    const buffer = Buffer.alloc(1 + random.below(random.below(8) === 0 ? FILE_SIZE : 5000));
    if (kind <= 1) {
      buffer.fill(random.below(256));
      const written = await file.write(buffer, { position });
      expect(written === buffer.length, `wrote ${written} of ${buffer.length}`);
      const size = Math.max(model.length, position + written);
      model = Buffer.concat([model], size);
      buffer.copy(model, position);
    } else if (kind <= 3) {
      const signal = random.below(3) === 0 ? abortSoon(random) : undefined;
      const size = await file.read(buffer, { position, signal }).catch(aborted);
      const expected = model.subarray(position, position + buffer.length);
      if (size === null) count('aborted reads');
      else expect(expected.equals(buffer.subarray(0, size)), `read ${size} wrong bytes`);
    } else if (kind === 4) {
      const { size } = await file.stat();
      expect(Number(size) === model.length, `size ${size} instead of ${model.length}`);
    } else {
      await file.close();
      const failure = await file.stat().catch((error) => error);
      expect(failure instanceof Error, 'a closed file answered');
      file = await File.open(path, 'r+');
    }
    count('files');
  }
  await file.close();
}

/** Connections whose other end sends everything back; some are given up half-way. */
export async function sockets(random, left) {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const address = { hostname: '127.0.0.1', port: listener.address().port };
  for (; left > 0; left -= 1) {
    const client = await TcpStream.connect(address);
    const server = await listener.accept();
    const echo = echoAll(server);
    const bytes = Buffer.alloc(1 + random.below(20_000), random.below(256));
    const isGivenUp = random.below(4) === 0;
    const received = readAll(client, random);
    await client.write(bytes);
    if (isGivenUp) {
      await client.destroy();
      await received;
    } else {
      await client.shutdown();
      const answer = await received;
      expect(answer.equals(bytes), `${answer.length} bytes instead of ${bytes.length}`);
    }
    await client.close();
    await echo;
    count('sockets');
  }
  await listener.close();
}

async function echoAll(stream) {
  try {
    for await (const chunk of stream) await stream.write(chunk);
  } catch {
    // The other end was given up.
  }
  await stream.close();
}

async function readAll(stream, random) {
  const chunks = [];
  for (;;) {
    const signal = random.below(5) === 0 ? abortSoon(random) : undefined;
    try {
      const chunk = await stream.read({ signal });
      if (chunk === null) break;
      chunks.push(chunk);
    } catch (error) {
      if (error.message === 'enough') count('aborted receives');
      else break;
    }
  }
  return Buffer.concat(chunks);
}

export async function sleeps(random, left) {
  for (; left > 0; left -= 1) {
    const delayMs = random.below(300) / 100;
    const startMs = performance.now();
    if (random.below(3) === 0) {
      const signal = abortSoon(random);
      const isAborted = await sleep(delayMs, false, { signal }).catch(({ name }) => name);
      expect(isAborted === false || isAborted === 'AbortError', `slept to ${isAborted}`);
    } else {
      await sleep(delayMs);
      const tookMs = performance.now() - startMs;
      expect(tookMs >= delayMs - EARLY_MS, `slept ${tookMs} instead of ${delayMs}`);
    }
    count('sleeps');
  }
}

/** Both ends in this thread: numbered messages of all sizes, ends that close at any time. */
export async function channels(random, left) {
  while (left > 0) {
    const { channel, port } = Channel.create({ capacity: 1024 << random.below(6) });
    const other = Channel.open(port);
    const total = 1 + random.below(40);
    const sizes = Array.from({ length: total }, () => random.below(4000));
    const sending = sizes.map((size, index) => channel.send({ index, fill: fill(size) }));
    const sent = Promise.all(sending).then(
      () => '',
      (error) => error.code,
    );
    let next = 0;
    const stopAt = random.below(3) === 0 ? random.below(total) : total;
    while (next < stopAt) {
      const signal = random.below(4) === 0 ? abortSoon(random) : undefined;
      const message = await other.receive({ signal }).catch(aborted);
      if (message === null) continue;
      const isRight = message.index === next && message.fill.length === sizes[next];
      expect(isRight, `${message.index} instead of ${next}`);
      next += 1;
    }
    await (random.below(2) === 0 ? channel : other).close();
    const code = await sent;
    expect(code === '' || code === 'ERR_CHANNEL_CLOSED', code);
    await Promise.all([channel.close(), other.close()]);
    left -= 1;
    count('channels');
  }
}

/** Workers that answer messages and connections, and end in every way. */
export async function workers(random, left) {
  for (let n = Math.ceil(left / 25); n > 0; n -= 1) {
    const { channel, port } = Channel.create({ capacity: 8192 });
    const worker = new Worker(new URL('../everything-worker.mjs', import.meta.url), {
      workerData: port,
      transferList: [port],
    });
    const exited = once(worker, 'exit');
    for (let messages = 1 + random.below(100); messages > 0; messages -= 1) {
      const value = { text: fill(random.below(3000)), when: new Date(messages) };
      await channel.send(value);
      const answer = await channel.receive();
      expect(answer.text === value.text && +answer.when === messages, 'another answer');
    }
    if (isOnRing) await handOver(channel);
    if (random.below(2) === 0) await worker.terminate();
    else await channel.close();
    await exited;
    await channel.close();
    count('workers');
  }
}

async function handOver(channel) {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const client = await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
  await channel.send(await listener.accept());
  await client.write('hello');
  const answer = await client.read();
  expect(String(answer) === 'hello', `the other thread answered ${String(answer)}`);
  await client.close();
  await listener.close();
  count('connections handed over');
}

/** Slots of the registered tables: what is given back can be taken again. */
export async function tables(random, left) {
  if (!isOnRing) return;
  const held = [];
  const file = await File.open(process.argv[1]);
  for (; left > 0; left -= 1) {
    if (held.length > 0 && random.below(2) === 0) held.splice(random.below(held.length), 1)[0]();
    else if (random.below(2) === 0) {
      const buffer = allocate(1 + random.below(9000), random.below(2) === 0);
      held.push(() => buffer.release());
    } else {
      const slot = ring.files.register(file.fd);
      held.push(() => ring.files.unregister(slot));
    }
    if (random.below(4) === 0) await nextTurn();
    count('tables');
  }
  for (const giveBack of held) giveBack();
  await file.close();
}

/** Shared where the kernel can (Linux 6.5+). */
function allocate(size, shared) {
  try {
    return ring.buffers.allocate(size, { shared });
  } catch (error) {
    if (!shared || error.code !== 'ENOTSUP') throw error;
    return ring.buffers.allocate(size);
  }
}

/** Presses the completion queue, and leaves it alone again. */
export async function bursts(random, left) {
  for (; left > 0; left -= 1) {
    let done = 0;
    const size = random.below(400);
    for (let n = 0; n < size; n += 1) ring.nop(() => (done += 1));
    await ring.nop();
    expect(done === size, `${done} of ${size} completions`);
    await sleep(random.below(8));
    count('bursts');
  }
}

function fill(size) {
  return 'f'.repeat(size);
}

/**
 * Streams over a `FileHandle` of `fs/promises`, compared with Node: chunks, ends, errors, closing.
 */

import { createReadStream, createWriteStream } from 'node:fs';
import { finished, pipeline } from 'node:stream/promises';
import { ComparedSuite } from '../support/fs-transcript.ts';

export const streamsSuite: ComparedSuite = new ComparedSuite();

streamsSuite.compare('createReadStream', async ({ fs, at, note }) => {
  await fs.writeFile(at('file'), 'abcdefghij'.repeat(20_000));
  const options = [
    undefined,
    { start: 5, end: 14 },
    { encoding: 'utf8', highWaterMark: 50_000 } as const,
    { start: 199_995 },
    { autoClose: false, end: 3 },
  ];
  for (const one of options) {
    const handle = await fs.open(at('file'));
    let size = 0;
    let first = '';
    for await (const chunk of handle.createReadStream(one)) {
      if (first === '') first = String(chunk).slice(0, 10);
      size += (chunk as Buffer).length;
    }
    note([size, first, handle.fd === -1]);
    await handle.close();
  }
});

streamsSuite.compare('createWriteStream', async ({ fs, at, note, attempt }) => {
  for (const options of [undefined, { start: 3 }, { encoding: 'hex' } as const, { flush: true }]) {
    await fs.writeFile(at('file'), '0123456789');
    const handle = await fs.open(at('file'), 'r+');
    const stream = handle.createWriteStream(options);
    stream.write('abcd');
    stream.write(Buffer.from('ef'));
    stream.end('12');
    await finished(stream);
    note(stream.bytesWritten, await fs.readFile(at('file')));
    await handle.close();
  }
  const reader = await fs.open(at('file'));
  const refused = reader.createWriteStream();
  refused.end('x');
  await attempt(() => finished(refused));
  await attempt(() => reader.close());
});

streamsSuite.compare('streams that are given a handle', async ({ fs, at, note }) => {
  const source = await fs.open(at('source'), 'w+');
  await source.writeFile(Buffer.alloc(300_000, 'content '));
  await source.close();
  const from = await fs.open(at('source'));
  const to = await fs.open(at('target'), 'w');
  await pipeline(createReadStream('', { fd: from }), createWriteStream('', { fd: to as never }));
  note(from.fd, to.fd);
  note((await fs.readFile(at('target'))).equals(await fs.readFile(at('source'))));
});

streamsSuite.compare('a handle that closes under its stream', async ({ fs, at, note }) => {
  await fs.writeFile(at('file'), Buffer.alloc(200_000));
  const handle = await fs.open(at('file'));
  const stream = handle.createReadStream();
  stream.once('data', () => void handle.close());
  const outcome = await finished(stream.resume()).then(
    () => 'finished',
    (error: NodeJS.ErrnoException) => error.code,
  );
  note(outcome, handle.fd);
});

streamsSuite.compare('readLines', async ({ fs, at, note }) => {
  await fs.writeFile(at('file'), 'one\ntwo\r\nthree\n\nfive');
  const handle = await fs.open(at('file'));
  for await (const line of handle.readLines()) note(line);
  note(handle.fd);
  const part = await fs.open(at('file'));
  for await (const line of part.readLines({ start: 4, encoding: 'utf8' })) note(line);
});

streamsSuite.compare('readableWebStream', async ({ fs, at, note, attempt }) => {
  await fs.writeFile(at('file'), 'x'.repeat(100_000));
  for (const options of [undefined, { type: 'bytes' as const }]) {
    const handle = await fs.open(at('file'));
    let size = 0;
    let kind = '';
    for await (const chunk of handle.readableWebStream(options)) {
      kind = (chunk as object).constructor.name;
      size += (chunk as Uint8Array).byteLength;
    }
    note(size, kind);
    await attempt(async () => handle.readableWebStream());
    await handle.close();
    await attempt(async () => handle.readableWebStream());
  }
  const handle = await fs.open(at('file'));
  await attempt(async () => handle.readableWebStream({ type: 5 } as never));
  await handle.close();
});

/**
 * `readFile`, `writeFile` and `appendFile` of `fs/promises`, compared with Node: every form of
 * their arguments, files of any size, aborts.
 */

import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { ComparedSuite } from '../support/fs-transcript.ts';

export const filesSuite: ComparedSuite = new ComparedSuite();

const wrongOptions = [
  5,
  true,
  'no-encoding',
  { encoding: 'no-encoding' },
  { encoding: 5 },
  { flag: 'no-flag' },
  { flag: {} },
  { signal: {} },
  { signal: 'x' },
  { mode: 'rwx' },
  { mode: -1 },
  { flush: 'yes' },
];

filesSuite.compare('readFile takes options in every form', async ({ fs, at, attempt }) => {
  await fs.writeFile(at('file'), 'héllo');
  await attempt(() => fs.readFile(at('file')));
  await attempt(() => fs.readFile(at('file'), 'utf8'));
  await attempt(() => fs.readFile(at('file'), null));
  await attempt(() => fs.readFile(at('file'), {}));
  await attempt(() => fs.readFile(at('file'), 'buffer' as never));
  await attempt(() => fs.readFile(at('file'), (() => {}) as never));
  for (const encoding of ['utf-8', 'UTF8', 'latin1', 'hex', 'base64', 'utf16le', 'ascii']) {
    await attempt(() => fs.readFile(at('file'), { encoding: encoding as BufferEncoding }));
  }
  for (const flag of ['r', 'r+', 'a+', 'w', 'wx', 0, 1, '', null]) {
    await attempt(() => fs.readFile(at(`file-${String(flag)}`), { flag: flag as string }));
    await attempt(() => fs.readFile(at('file'), { flag: flag as string }));
  }
  for (const options of wrongOptions) {
    await attempt(() => fs.readFile(at('file'), options as never));
  }
  await attempt(() => fs.readFile(Buffer.from(at('file')), 'utf8'));
  await attempt(() => fs.readFile(pathToFileURL(at('file')), 'utf8'));
});

filesSuite.compare('readFile says why it cannot', async ({ fs, at, attempt, folder }) => {
  await attempt(() => fs.readFile(at('missing')));
  await attempt(() => fs.readFile(folder));
  await attempt(() => fs.readFile(''));
  await attempt(() => fs.readFile(5 as never));
  await attempt(() => fs.readFile({} as never));
  await attempt(() => fs.readFile('a\0b'));
  await fs.writeFile(at('huge'), '');
  await fs.truncate(at('huge'), 2 ** 31);
  await attempt(() => fs.readFile(at('huge')));
});

filesSuite.compare('whole files of any size', async ({ fs, at, note }) => {
  for (const size of [0, 1, 4096, 16_384, 65_537, 524_288, 524_289, 1_048_577, 9_000_001]) {
    const content = Buffer.alloc(size, `${size} `);
    await fs.writeFile(at('file'), content);
    const read = await fs.readFile(at('file'));
    note(size, read.length, read.equals(content), (await fs.readFile(at('file'), 'latin1')).length);
    await fs.appendFile(at('file'), content);
    note((await fs.readFile(at('file'))).equals(Buffer.concat([content, content])));
  }
});

filesSuite.compare('text that is cut between two pieces', async ({ fs, at, note }) => {
  const text = `x${'€'.repeat(1_500_000)}`;
  await fs.writeFile(at('file'), text);
  note((await fs.readFile(at('file'), 'utf8')) === text);
  note((await fs.stat(at('file'))).size);
});

filesSuite.compare('files without a size', async ({ fs, attempt, note }) => {
  await attempt(() => fs.readFile('/dev/null'));
  await attempt(() => fs.readFile('/dev/null', 'utf8'));
  note((await fs.readFile('/proc/self/status', 'utf8')).startsWith('Name:'));
  note((await fs.readFile('/proc/self/maps')).length > 4096);
  await attempt(() => fs.writeFile('/dev/null', 'anything'));
  await attempt(() => fs.writeFile('/dev/full', 'anything'));
  await attempt(() => fs.appendFile('/dev/full', Buffer.alloc(600_000)));
});

filesSuite.compare('writeFile takes what can be written', async ({ fs, at, attempt }) => {
  const file = at('file');
  const view = new Uint16Array([0x6161, 0x6262, 0x6363]);
  const data: unknown[] = ['text', '', Buffer.from('buffer'), Buffer.alloc(0), view];
  data.push(new DataView(view.buffer, 2, 2), view.subarray(1));
  data.push(['a', 'b', Buffer.from('c')], new Set(['x', 'y']), Readable.from(['r', 's']));
  data.push(new String('object'), [1, 2], [Symbol('s')], 5, null, undefined, {}, true, 5n);
  data.push(
    (async function* pieces() {
      yield 'one';
      yield Buffer.from('two');
    })(),
  );
  for (const piece of data) {
    await attempt(() => fs.writeFile(file, piece as string));
    await attempt(() => fs.readFile(file, 'utf8'));
  }
  await attempt(() => fs.writeFile(file, '€uro', 'latin1'));
  await attempt(() => fs.readFile(file));
  await attempt(() => fs.writeFile(file, 'c3a9', { encoding: 'hex' }));
  await attempt(() => fs.readFile(file, 'utf8'));
  await attempt(() => fs.writeFile(file, ['ä', 'ö'], 'latin1'));
  await attempt(() => fs.readFile(file, 'latin1'));
});

filesSuite.compare('writeFile takes options in every form', async ({ fs, at, attempt }) => {
  for (const options of wrongOptions) {
    await attempt(() => fs.writeFile(at('wrong'), 'x', options as never));
    await attempt(() => fs.appendFile(at('wrong'), 'x', options as never));
  }
  for (const flag of ['w', 'wx', 'a', 'a+', 'r+', 'r', 'as', 2, '', null, undefined]) {
    const path = at(`with-${String(flag)}`);
    await attempt(() => fs.writeFile(path, 'first', { flag: flag as string }));
    await attempt(() => fs.writeFile(path, 'x', { flag: flag as string }));
    await attempt(() => fs.appendFile(path, 'yz', { flag: flag as string }));
    await attempt(() => fs.readFile(path, 'utf8'));
  }
  await attempt(() => fs.writeFile(at('mode'), 'x', { mode: 0o600, flush: true }));
  await attempt(() => fs.stat(at('mode')));
  await attempt(() => fs.writeFile(at('text'), 'x', { mode: '0640', flush: false }));
  await attempt(() => fs.stat(at('text')));
  await attempt(() => fs.writeFile(at('missing/file'), 'x'));
  await attempt(() => fs.writeFile(at('.'), 'x'));
  await attempt(() => fs.writeFile(5 as never, 'x'));
  await attempt(() => fs.appendFile('a\0b', 'x'));
});

filesSuite.compare('aborts are honored before and during', async ({ fs, at, attempt }) => {
  await fs.writeFile(at('large'), Buffer.alloc(20_000_000, 1));
  const reasons = [undefined, new Error('enough'), 'a word'];
  for (const reason of reasons) {
    const aborted = { signal: AbortSignal.abort(reason) };
    await attempt(() => fs.readFile(at('large'), aborted));
    await attempt(() => fs.writeFile(at('other'), 'x', aborted));
    await attempt(() => fs.appendFile(at('other'), 'x', aborted as never));
    const soon = new AbortController();
    process.nextTick(() => soon.abort(reason));
    await attempt(() => fs.readFile(at('large'), { signal: soon.signal }));
    const later = new AbortController();
    setImmediate(() => later.abort(reason));
    await attempt(() => fs.writeFile(at('other'), endless(), { signal: later.signal }));
  }
});

async function* endless(): AsyncGenerator<string> {
  for (;;) {
    await new Promise(setImmediate);
    yield 'more';
  }
}

filesSuite.compare('a signal that is never aborted', async ({ fs, at, attempt }) => {
  const { signal } = new AbortController();
  await attempt(() => fs.writeFile(at('file'), 'content', { signal }));
  await attempt(() => fs.appendFile(at('file'), ['a', 'b'] as never, { signal } as never));
  await attempt(() => fs.readFile(at('file'), { signal, encoding: 'utf8' }));
});

filesSuite.compare('handles in the place of paths', async ({ fs, at, attempt }) => {
  const handle = await fs.open(at('file'), 'w+');
  await attempt(() => fs.writeFile(handle, 'first '));
  await attempt(() => fs.appendFile(handle, 'second'));
  await attempt(() => fs.readFile(handle));
  const again = await fs.open(at('file'));
  await attempt(() => fs.readFile(again, 'utf8'));
  await attempt(() => fs.readFile(again, { signal: AbortSignal.abort() }));
  await handle.close();
  await again.close();
  await attempt(() => fs.readFile(handle));
  await attempt(() => fs.writeFile(handle, 'x'));
  await attempt(() => fs.truncate(handle as never));
});

/**
 * `open` and `FileHandle` of `fs/promises`, compared with Node: every method in every form.
 */

import { createHash } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { FileHandle as NodeHandle } from 'node:fs/promises';
import { ComparedSuite } from '../support/fs-transcript.ts';
import type { Scene } from '../support/fs-transcript.ts';

export const handlesSuite: ComparedSuite = new ComparedSuite();

/** The types of Node 20 forget that it emits events. */
type FileHandle = NodeHandle & EventEmitter;

/** A file of ten digits, open for reading and writing. */
async function digits({ fs, at }: Scene): Promise<FileHandle> {
  await fs.writeFile(at('digits'), '0123456789');
  return (await fs.open(at('digits'), 'r+')) as FileHandle;
}

handlesSuite.compare('open', async (scene) => {
  const { fs, at, attempt } = scene;
  await fs.writeFile(at('file'), 'content');
  const flags = ['r', 'r+', 'w', 'wx', 'w+', 'a', 'ax+', 'as', 'sr', 'rs+', 0, 2, 0o102, 1.5, -1];
  for (const flag of [...flags, null, undefined, 'no-flag', {}, '', 2 ** 31]) {
    for (const name of ['file', 'missing', 'new']) {
      await attempt(async () => {
        const handle = await fs.open(at(name), flag as string);
        await handle.close();
        return handle;
      });
    }
  }
  for (const mode of [0o600, '0640', 'rwx', -1, 1.5, null, 2 ** 32, {}]) {
    await attempt(async () => {
      await fs.rm(at('moded'), { force: true });
      const handle = await fs.open(at('moded'), 'w', mode as number);
      const stats = await handle.stat();
      await handle.close();
      return stats;
    });
  }
  await attempt(() => fs.open(at('file/below')));
  await attempt(() => fs.open(at('.'), 'w'));
  await attempt(() => fs.open('a\0b'));
  await attempt(() => fs.open(5 as never));
  await attempt(() => fs.open('x'.repeat(5000)));
});

handlesSuite.compare('read in every form', async (scene) => {
  const { attempt } = scene;
  const handle = await digits(scene);
  const fresh = (): Buffer => Buffer.alloc(6, '.');
  await attempt(() => handle.read(fresh(), 0, 3, 0));
  await attempt(() => handle.read(fresh(), 1, 3, null));
  await attempt(() => handle.read(fresh(), 1, 3, -1));
  await attempt(() => handle.read(fresh()));
  await attempt(() => handle.read(fresh(), 2));
  await attempt(() => handle.read(fresh(), null, null, 4));
  await attempt(() => handle.read(fresh(), { position: 5 }));
  await attempt(() => handle.read(fresh(), { offset: 2, length: 2, position: 7 }));
  await attempt(() => handle.read(fresh(), {}));
  await attempt(() => handle.read({ buffer: fresh(), position: 1 }));
  await attempt(() => handle.read({ buffer: fresh(), offset: 3, position: 1n as never }));
  await attempt(() => handle.read({ length: 2, position: 2 }).then(({ bytesRead }) => bytesRead));
  await attempt(() => handle.read().then(({ bytesRead, buffer }) => [bytesRead, buffer.length]));
  await attempt(() => handle.read(null as never).then(({ bytesRead }) => bytesRead));
  await attempt(() => handle.read(fresh(), 0, 0, 0));
  await attempt(() => handle.read(fresh(), 0, 6, 20));
  await attempt(() => handle.read(new Uint32Array(2), 0, 8, 0));
  await attempt(() => handle.read(new Uint16Array(4).subarray(1), 2, 3, 0));
  await attempt(() => handle.read(new DataView(new ArrayBuffer(4)), 0, 4, 3));
  await attempt(() => handle.read(new Uint8Array(new SharedArrayBuffer(4)), 0, 4, 3));
  await attempt(() => handle.read(fresh(), 0, 6, 3n as never));
  await attempt(() => handle.read(fresh(), 0, 6, -1n as never));
  await handle.close();
  await attempt(() => handle.read(fresh()));
});

handlesSuite.compare('read refuses what Node refuses', async (scene) => {
  const { attempt } = scene;
  const handle = await digits(scene);
  const buffer = Buffer.alloc(4);
  const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<unknown>;
  for (const offset of [-1, 5, 1.5, '1', NaN, 2 ** 53, true, 1n, Symbol('s')]) {
    await attempt(() => read(buffer, offset, 1, 0));
    await attempt(() => read(buffer, { offset, length: 1, position: 0 }));
  }
  // Not a boolean: Node 20 ends the process.
  for (const length of [-1, 5, 2 ** 31, 2 ** 53]) {
    await attempt(() => read(buffer, 0, length, 0));
    await attempt(() => read({ buffer, length }));
  }
  for (const position of [-2, 1.5, '1', NaN, 2 ** 53, -2n, 2n ** 63n, true, {}]) {
    await attempt(() => read(buffer, 0, 1, position));
  }
  for (const target of ['text', 5, [], () => {}, Symbol('s'), new ArrayBuffer(4)]) {
    await attempt(() => read(target).then(() => 'something'));
    await attempt(() => read({ buffer: target }));
  }
  await attempt(() => read({ buffer: null }).then(() => 'something'));
  await attempt(() => read(Buffer.alloc(0), 0, 0, 0));
  await attempt(() => read(Buffer.alloc(0)));
  await attempt(() => read(Buffer.alloc(0), 0, 1, 0));
  await handle.close();
});

handlesSuite.compare('write in every form', async (scene) => {
  const { fs, at, attempt } = scene;
  const handle = await digits(scene);
  const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<unknown>;
  const bytes = Buffer.from('abcd');
  const forms: unknown[][] = [[bytes], [bytes, 1], [bytes, 1, 2], [bytes, 1, 2, 0]];
  forms.push([bytes, null, null, 5], [bytes, { offset: 2 }], [bytes, { length: 1, position: 3 }]);
  forms.push([bytes, {}], [bytes, 0, 2, 3n], [bytes, 0, 2, -1], [bytes, 0, 0, 0], [bytes, null]);
  forms.push(['text'], ['text', 2], ['text', null, 'utf8'], ['7a', 0, 'hex'], ['ü', 1, 'latin1']);
  forms.push([''], ['x', '2'], ['x', 0, 'no-encoding'], ['abc', 0, 'hex'], ['x', -1], ['x', 1.5]);
  forms.push(
    [Buffer.alloc(0)],
    [new Uint16Array([0x4141])],
    [new DataView(new ArrayBuffer(2), 0, 0)],
  );
  forms.push([bytes, -1], [bytes, 5], [bytes, 1.5], [bytes, '1'], [bytes, 0, 5], [bytes, 0, -1]);
  forms.push([bytes, 0, 1.5], [bytes, 0, 2, 1.5], [bytes, 0, 2, -5], [bytes, { offset: 9 }]);
  forms.push([bytes, { offset: null }], [bytes, { length: null }], [bytes, { position: null }]);
  forms.push([5], [null], [undefined], [{}], [[]], [true], [Symbol('s')], [new Date(0)]);
  forms.push([bytes, Symbol('s')], [bytes, 1n], [bytes, { offset: 1n }]);
  for (const form of forms) {
    await attempt(() => write(...form));
    await attempt(() => fs.readFile(at('digits'), 'latin1'));
  }
  await handle.close();
  await attempt(() => write('x'));
});

handlesSuite.compare('readv and writev', async (scene) => {
  const { fs, at, attempt } = scene;
  const handle = await digits(scene);
  const three = (): Buffer[] => [Buffer.alloc(2, '.'), Buffer.alloc(0), Buffer.alloc(3, '.')];
  const readv = handle.readv.bind(handle) as (...args: unknown[]) => Promise<unknown>;
  const writev = handle.writev.bind(handle) as (...args: unknown[]) => Promise<unknown>;
  const positions = [undefined, null, 0, 4, 8, 20, -1, '1', 1n];
  for (const position of positions) await attempt(() => readv(three(), position));
  for (const position of positions) {
    await attempt(() => writev([Buffer.from('AB'), new Uint8Array([67])], position));
    await attempt(() => fs.readFile(at('digits'), 'latin1'));
  }
  for (const wrong of [undefined, null, 5, 'text', {}, ['x'], [Buffer.alloc(1), null]]) {
    await attempt(() => readv(wrong));
    await attempt(() => writev(wrong));
  }
  // Not readv, which Node rejects before it returns: nobody could have handled it by then.
  await attempt(() => writev([]));
  const many = Array.from({ length: 1500 }, () => Buffer.from('z'));
  await attempt(() => writev(many, 0).then((result) => Object.keys(result as object)));
  await attempt(() => fs.stat(at('digits')));
  await attempt(() => readv(many, 0).then((result) => (result as { bytesRead: number }).bytesRead));
  await handle.close();
});

handlesSuite.compare('stat, truncate, sync, datasync', async (scene) => {
  const { attempt } = scene;
  const handle = await digits(scene);
  await attempt(() => handle.stat());
  await attempt(() => handle.stat([] as never));
  await attempt(() => handle.stat({ bigint: true }));
  await attempt(() => handle.stat({}));
  await attempt(() => handle.stat({ bigint: 1 } as never));
  await attempt(() => handle.truncate(4));
  await attempt(() => handle.stat());
  await attempt(() => handle.truncate(-1));
  await attempt(() => handle.truncate('4' as never));
  await attempt(() => handle.truncate(4.5));
  await attempt(() => handle.truncate(null as never));
  await attempt(() => handle.truncate());
  await attempt(() => handle.sync());
  await attempt(() => handle.datasync());
  await attempt(() => handle.chmod(0o600));
  await attempt(() => handle.chmod('x'));
  await attempt(() => handle.chown(process.getuid!(), process.getgid!()));
  await attempt(() => handle.chown(-5, 0));
  await attempt(() => handle.utimes(1, 2));
  await attempt(() => handle.stat());
  await handle.close();
  for (const name of ['stat', 'sync', 'datasync', 'truncate', 'readFile'] as const) {
    await attempt(() => handle[name]());
  }
  for (const name of ['writeFile', 'appendFile', 'chmod', 'writev', 'readv'] as const) {
    await attempt(() => (handle[name] as (x: unknown) => unknown)('x'));
  }
});

handlesSuite.compare('what the descriptor does not allow', async (scene) => {
  const { fs, at, attempt } = scene;
  await fs.writeFile(at('file'), 'content');
  const reader = await fs.open(at('file'), 'r');
  await attempt(() => reader.write('x'));
  await attempt(() => reader.writev([Buffer.from('x')]));
  await attempt(() => reader.truncate(1));
  await attempt(() => reader.writeFile('x'));
  await reader.close();
  const writer = await fs.open(at('file'), 'a');
  await attempt(() => writer.read(Buffer.alloc(1)));
  await attempt(() => writer.readFile());
  await attempt(() => writer.write('more', 0));
  await writer.close();
  await attempt(() => fs.readFile(at('file'), 'utf8'));
  const folder = await fs.open(at('.'));
  await attempt(() => folder.read(Buffer.alloc(1)));
  await attempt(() => folder.readFile());
  await attempt(() => folder.stat());
  await attempt(() => folder.datasync());
  await folder.close();
});

handlesSuite.compare('readFile, writeFile and appendFile', async (scene) => {
  const { fs, at, attempt } = scene;
  const handle = await digits(scene);
  await handle.read(Buffer.alloc(4), 0, 4);
  await attempt(() => handle.readFile('utf8'));
  await attempt(() => handle.readFile());
  await attempt(() => handle.readFile({ encoding: 'no-encoding' } as never));
  await attempt(() => handle.readFile({ signal: AbortSignal.abort() } as never));
  await attempt(() => handle.writeFile('written'));
  await attempt(() => handle.appendFile(['a', 'b'] as never));
  await attempt(() => handle.writeFile(Buffer.from('c'), { signal: AbortSignal.abort() }));
  await attempt(() => handle.writeFile(5 as never));
  await attempt(() => handle.writeFile('e9', 'hex'));
  await attempt(() => fs.readFile(at('digits'), 'latin1'));
  await handle.close();
});

handlesSuite.compare('calls at the current position take turns', async (scene) => {
  const { note } = scene;
  const handle = await digits(scene);
  const reads = Array.from({ length: 5 }, () => handle.read(Buffer.alloc(2)));
  const pieces = (await Promise.all(reads)).map(({ buffer }) => buffer.toString());
  // Node's threads may run them in any order.
  note(pieces.toSorted());
  await Promise.all([1, 2, 3].map((value) => handle.write(String(value).repeat(3))));
  note((await handle.stat()).size);
  await handle.close();
});

handlesSuite.compare('close', async (scene) => {
  const { attempt, note } = scene;
  const handle = await digits(scene);
  handle.on('close', () => note(`event with ${handle.fd}`));
  const reading = handle.read(Buffer.alloc(2), 0, 2, 0);
  const first = handle.close();
  note(first === handle.close());
  await attempt(() => reading);
  await attempt(() => first);
  await attempt(() => handle.close());
  note(handle.fd);
  const second = await digits(scene);
  second.once('close', () => note('second'));
  await second[Symbol.asyncDispose]();
  note(second.fd);
});

handlesSuite.compare('large transfers are as small ones', async (scene) => {
  const { fs, at, note } = scene;
  const size = 5 * 1024 * 1024 + 3;
  const content = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1) content[i] = (i * 7 + (i >> 9)) & 0xff;
  const handle = await fs.open(at('large'), 'w+');
  for (const data of [content, Buffer.from('!'), content]) {
    note((await handle.write(data)).bytesWritten);
  }
  note((await handle.write(content, 1, size - 1, 2)).bytesWritten);
  const again = await fs.open(at('large'));
  for (const length of [size, 1, size + 4096]) {
    const target = Buffer.alloc(length);
    note((await again.read(target)).bytesRead, createHash('sha1').update(target).digest('hex'));
  }
  const placed = await again.read(Buffer.alloc(4 * size), 7, 3 * size, size);
  note(placed.bytesRead, createHash('sha1').update(placed.buffer).digest('hex'));
  note((await again.read(Buffer.alloc(size), 0, size, 9 * size)).bytesRead);
  const reading = again.read(Buffer.alloc(size), 0, size, 0);
  await again.close();
  note((await reading).bytesRead);
  const appending = await fs.open(at('large'), 'a');
  note((await appending.write(content)).bytesWritten, (await appending.stat()).size);
  await appending.close();
  await scene.attempt(() => handle.close());
});

handlesSuite.compare('a handle is what it seems', async (scene) => {
  const { fs, note } = scene;
  const handle = await digits(scene);
  note(typeof handle.fd, handle.fd > 2, handle.constructor.name);
  const { default: node } = await import('node:fs/promises');
  const other = await node.open('/dev/null');
  note(handle instanceof other.constructor, Object.prototype.toString.call(handle));
  await other.close();
  // Node's own functions take it.
  note(await node.readFile(handle, 'utf8'));
  await node.writeFile(handle, '!');
  note(await fs.readFile(scene.at('digits'), 'utf8'));
  note(typeof handle.on, handle.listenerCount('close'));
  await handle.close();
});

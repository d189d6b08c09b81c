/**
 * Functions of `fs/promises` on paths, compared with Node: results, effects, errors.
 */

import { pathToFileURL } from 'node:url';
import { ComparedSuite } from '../support/fs-transcript.ts';
import type { Scene } from '../support/fs-transcript.ts';

export const pathsSuite: ComparedSuite = new ComparedSuite();

/** Values that no function takes as a path. */
const notPaths = [undefined, null, 5, true, {}, [], Symbol('path'), 'a\0b', Buffer.from('a\0b')];

async function withEachWrongPath(scene: Scene, call: (path: never) => unknown): Promise<void> {
  for (const path of notPaths) await scene.attempt(() => call(path as never));
  await scene.attempt(() => call(new URL('http://example.org/x') as never));
  await scene.attempt(() => call(new URL('file:///a%00b') as never));
  await scene.attempt(() => call(new URL('file:///a%2Fb') as never));
}

pathsSuite.compare('stat and lstat', async (scene) => {
  const { fs, at, attempt, folder } = scene;
  await fs.writeFile(at('file'), 'content');
  await fs.symlink('file', at('link'));
  await fs.symlink('nothing', at('dangling'));
  for (const name of ['file', 'link', 'dangling', 'missing', 'file/below', '']) {
    const path = name === '' ? '' : at(name);
    await attempt(() => fs.stat(path));
    await attempt(() => fs.lstat(path));
    await attempt(() => fs.stat(path, { bigint: true }));
    await attempt(() => fs.lstat(path, { bigint: true }));
  }
  await attempt(() => fs.stat(folder));
  await attempt(() => fs.stat(Buffer.from(at('file'))));
  await attempt(() => fs.lstat(pathToFileURL(at('link'))));
  await attempt(() => fs.stat('/dev/null'));
  await attempt(() => fs.stat('x'.repeat(300)));
  await attempt(() => fs.stat(at('x/'.repeat(3000))));
  await attempt(() => fs.stat(at('file'), null as never));
  await attempt(() => fs.stat(at('file'), [] as never));
  await attempt(() => fs.stat(at('file'), { bigint: 'yes' } as never));
  await attempt(() => fs.stat(at('file'), {}));
  await attempt(() => fs.stat(at('missing'), { throwIfNoEntry: false } as never));
  await withEachWrongPath(scene, (path) => fs.stat(path));
  await withEachWrongPath(scene, (path) => fs.lstat(path));
});

pathsSuite.compare('dates of stats are those of the file', async ({ fs, at, note }) => {
  await fs.writeFile(at('file'), '');
  for (const ms of [0, 1000, 1_700_000_000_123, 4_294_967_297_000, -1000, -1500, -86_400_001]) {
    await fs.utimes(at('file'), new Date(ms), new Date(ms));
    const stats = await fs.stat(at('file'));
    const big = await fs.stat(at('file'), { bigint: true });
    note(stats.mtime.getTime(), stats.atimeMs, stats.mtimeMs, stats.mtime.toISOString());
    note(big.mtimeMs, big.mtimeNs, big.atimeNs, big.mtime.getTime());
  }
});

pathsSuite.compare('unlink', async (scene) => {
  const { fs, at, attempt, folder } = scene;
  await fs.writeFile(at('file'), '');
  await fs.symlink('file', at('link'));
  await attempt(() => fs.unlink(at('link')));
  await attempt(() => fs.unlink(Buffer.from(at('file'))));
  await attempt(() => fs.unlink(at('file')));
  await attempt(() => fs.unlink(folder));
  await attempt(() => fs.readdir(folder));
  await withEachWrongPath(scene, (path) => fs.unlink(path));
});

pathsSuite.compare('mkdir', async (scene) => {
  const { fs, at, attempt } = scene;
  await attempt(() => fs.mkdir(at('a')));
  await attempt(() => fs.mkdir(at('a')));
  await attempt(() => fs.mkdir(at('b'), 0o700));
  await attempt(() => fs.mkdir(at('c'), '711'));
  await attempt(() => fs.mkdir(at('d'), { mode: 0o750 }));
  await attempt(() => fs.mkdir(at('e'), { mode: '0751', recursive: false }));
  for (const name of ['a', 'b', 'c', 'd', 'e']) await attempt(() => fs.stat(at(name)));
  await attempt(() => fs.mkdir(at('x/y/z')));
  await attempt(() => fs.mkdir(at('x/y/z'), { recursive: true }));
  await attempt(() => fs.mkdir(at('x/y/z'), { recursive: true }));
  await attempt(() => fs.mkdir(at('f'), { recursive: 'yes' } as never));
  await attempt(() => fs.mkdir(at('f'), { mode: -1 }));
  await attempt(() => fs.mkdir(at('f'), { mode: 2 ** 32 }));
  await attempt(() => fs.mkdir(at('f'), { mode: 1.5 }));
  await attempt(() => fs.mkdir(at('f'), { mode: 'rwx' }));
  await attempt(() => fs.mkdir(at('g'), null));
  await attempt(() => fs.mkdir(at('h'), { mode: null } as never));
  await attempt(() => fs.mkdir(''));
  await withEachWrongPath(scene, (path) => fs.mkdir(path));
});

pathsSuite.compare('rmdir', async (scene) => {
  const { fs, at, attempt } = scene;
  await fs.mkdir(at('full/inner'), { recursive: true });
  await fs.writeFile(at('file'), '');
  await attempt(() => fs.rmdir(at('full')));
  await attempt(() => fs.rmdir(at('full/inner')));
  await attempt(() => fs.rmdir(at('full'), {}));
  await attempt(() => fs.rmdir(at('full')));
  await attempt(() => fs.rmdir(at('file')));
  await attempt(() => fs.rmdir(at('file'), { recursive: 'yes' } as never));
  await attempt(() => fs.rmdir(at('file'), { maxRetries: -1 }));
  await attempt(() => fs.rmdir(at('file'), 5 as never));
  await withEachWrongPath(scene, (path) => fs.rmdir(path));
});

pathsSuite.compare('rename', async (scene) => {
  const { fs, at, attempt } = scene;
  await fs.writeFile(at('a'), 'a');
  await fs.writeFile(at('b'), 'b');
  await fs.mkdir(at('folder'));
  await attempt(() => fs.rename(at('a'), at('b')));
  await attempt(() => fs.readFile(at('b'), 'utf8'));
  await attempt(() => fs.rename(at('a'), at('c')));
  await attempt(() => fs.rename(at('b'), at('folder')));
  await attempt(() => fs.rename(at('folder'), at('folder/in/itself')));
  await attempt(() => fs.rename(Buffer.from(at('b')), pathToFileURL(at('c'))));
  await attempt(() => fs.rename(at('c'), '/proc/c'));
  await attempt(() => fs.readdir(at('.')));
  await withEachWrongPath(scene, (path) => fs.rename(path, at('x')));
  await withEachWrongPath(scene, (path) => fs.rename(at('c'), path));
  await attempt(() => fs.rename(1 as never, 2 as never));
});

pathsSuite.compare('link and symlink', async (scene) => {
  const { fs, at, attempt } = scene;
  await fs.writeFile(at('file'), 'content');
  await fs.mkdir(at('folder'));
  await attempt(() => fs.link(at('file'), at('second')));
  await attempt(() => fs.link(at('file'), at('second')));
  await attempt(() => fs.link(at('folder'), at('third')));
  await attempt(() => fs.link(at('missing'), at('third')));
  await attempt(() => fs.stat(at('second')));
  await attempt(() => fs.symlink('file', at('link')));
  await attempt(() => fs.symlink('file', at('link')));
  await attempt(() => fs.symlink('file', at('typed'), 'file'));
  await attempt(() => fs.symlink('file', at('untyped'), null));
  await attempt(() => fs.symlink('file', at('strange'), 'strange'));
  await attempt(() => fs.symlink(Buffer.from('file'), Buffer.from(at('bytes'))));
  await attempt(() => fs.symlink('file', at('no/where')));
  await attempt(() => fs.readlink(at('link')));
  await attempt(() => fs.readlink(at('file')));
  await attempt(() => fs.readFile(at('bytes'), 'utf8'));
  await attempt(() => fs.readdir(at('.')));
  await withEachWrongPath(scene, (path) => fs.link(path, at('x')));
  await withEachWrongPath(scene, (path) => fs.link(at('file'), path));
  await withEachWrongPath(scene, (path) => fs.symlink(path, at('y')));
  await withEachWrongPath(scene, (path) => fs.symlink('file', path));
});

pathsSuite.compare('truncate', async (scene) => {
  const { fs, at, attempt } = scene;
  await fs.writeFile(at('file'), 'content');
  await attempt(() => fs.truncate(at('file'), 4));
  await attempt(() => fs.readFile(at('file'), 'utf8'));
  await attempt(() => fs.truncate(at('file'), 6));
  await attempt(() => fs.readFile(at('file'), 'latin1'));
  await attempt(() => fs.truncate(at('file'), -5));
  await attempt(() => fs.stat(at('file')));
  await attempt(() => fs.truncate(at('file')));
  await attempt(() => fs.truncate(at('file'), 1.5));
  await attempt(() => fs.truncate(at('file'), '3' as never));
  await attempt(() => fs.truncate(at('file'), 2 ** 60));
  await attempt(() => fs.truncate(at('missing')));
  await attempt(() => fs.truncate(at('.')));
  await withEachWrongPath(scene, (path) => fs.truncate(path));
});

pathsSuite.compare('what is Node, is Node', async (scene) => {
  const { fs, at, attempt, note } = scene;
  await fs.writeFile(at('file'), 'content');
  await attempt(() => fs.access(at('file')));
  await attempt(() => fs.access(at('missing'), fs.constants.R_OK));
  await attempt(() => fs.copyFile(at('file'), at('copy')));
  await attempt(() => fs.copyFile(at('file'), at('copy'), fs.constants.COPYFILE_EXCL));
  await attempt(() => fs.cp(at('file'), at('deep/copy'), { recursive: true }));
  await attempt(() => fs.chmod(at('copy'), 0o600));
  await attempt(() => fs.chown(at('copy'), process.getuid!(), process.getgid!()));
  await attempt(() => fs.lchown(at('copy'), process.getuid!(), process.getgid!()));
  await attempt(() => fs.lchmod(at('copy'), 0o600));
  await attempt(() => fs.utimes(at('copy'), 1, 2));
  await attempt(() => fs.lutimes(at('copy'), 3, 4));
  await attempt(() => fs.realpath(at('deep/../copy')));
  await attempt(async () => Object.keys(await fs.statfs(at('.'))));
  await attempt(async () => (await fs.mkdtemp(at('temp-'))).length - at('').length);
  for await (const entry of await fs.opendir(at('deep'))) note(entry.name, entry.isFile());
  const names = await fs.readdir(at('.'), { recursive: true, withFileTypes: true });
  note(names.map(({ name }) => name.replace(/temp-.*/, 'temp')).toSorted());
  await attempt(() => fs.rm(at('deep')));
  await attempt(() => fs.rm(at('deep'), { recursive: true }));
  await attempt(() => fs.rm(at('deep'), { force: true, maxRetries: 1, retryDelay: 1 }));
  const aborted = AbortSignal.abort();
  await attempt(() => fs.watch(at('.'), { signal: aborted })[Symbol.asyncIterator]().next());
  note(Object.keys(fs), Object.keys(fs.constants).length);
});

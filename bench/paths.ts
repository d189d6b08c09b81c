/**
 * Where things are, whether this runs as built (dist/bench/*.js) or from source (bench/*.ts).
 *
 * The C sources and the cache belong to the package's root; drivers run in the same form as the
 * harness, and always find `onering` by its name, which is the build.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const IS_BUILT = import.meta.url.endsWith('.js');
const ROOT = new URL(IS_BUILT ? '../../' : '../', import.meta.url);

/** Path of something in the package, from its root. */
export function packagePath(name: string): string {
  return fileURLToPath(new URL(name, ROOT));
}

/** Path of a program in bench/drivers, named without its ending. */
export function driverPath(name: string): string {
  return programPath(`drivers/${name}`);
}

/** Path of a program in bench, named without its ending. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`${name}${IS_BUILT ? '.js' : '.ts'}`, import.meta.url));
}

/** Whether the package offers something under this name, such as `./net`. */
export function hasExport(name: string): boolean {
  const manifest = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, unknown>>;
  };
  return name in manifest.exports;
}

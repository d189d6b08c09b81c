/**
 * Loads a drop-in of onering by the name of the module that it stands in for.
 *
 * The runtime is prepared first: without a ring a drop-in is Node's own module, and there would be
 * nothing to compare. The harness offers these drivers where the package has the export.
 */

import { prepareRuntime } from './prepare.ts';

/** `name` is what follows `node:` and `onering/`. */
export async function loadDropIn<T>(
  name: 'fs/promises' | 'net',
  options: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  prepareRuntime(options);
  const module = (await import(`onering/${name}`)) as { default?: T } & T;
  return module.default ?? module;
}

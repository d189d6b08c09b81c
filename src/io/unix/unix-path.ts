/**
 * Names of Unix sockets: paths, and abstract names, which begin with a NUL and are no files.
 */

import { UNIX_PATH_SIZE } from '../../native/abi.ts';
import { invalidArgType, invalidArgValue } from '../../runtime/index.ts';

/** A name that was checked. */
export interface UnixName {
  /** As the kernel takes it, without a final NUL. */
  readonly bytes: Uint8Array;
  /** As the program wrote it. */
  readonly text: string;
  readonly isAbstract: boolean;
}

/** Checks a name. */
export function validateUnixPath(path: unknown, name: string): UnixName {
  if (typeof path !== 'string' && !(path instanceof Uint8Array)) {
    throw invalidArgType(name, 'of type string or an instance of Buffer', path);
  }
  const bytes = Buffer.from(path as string);
  const isAbstract = bytes[0] === 0;
  if (bytes.length === 0) throw invalidArgValue(name, path, 'must not be empty');
  if (!isAbstract && bytes.includes(0)) {
    throw invalidArgValue(name, path, 'must have null bytes at the beginning or not at all');
  }
  const sizeMax = isAbstract ? UNIX_PATH_SIZE : UNIX_PATH_SIZE - 1;
  if (bytes.length > sizeMax) {
    throw invalidArgValue(name, path, `must have at most ${sizeMax} bytes`);
  }
  return { bytes, text: bytes.toString(), isAbstract };
}

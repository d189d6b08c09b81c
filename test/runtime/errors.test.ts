/**
 * Errors as Node words them: compared with what Node itself throws, where it can be made to.
 */

import { open, rename } from 'node:fs/promises';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import * as errno from '../../src/native/errno.ts';
import {
  closedError,
  codedError,
  fsError,
  invalidArgType,
  invalidArgValue,
  outOfRange,
  retrace,
  SystemError,
  systemError,
  UringUnavailableError,
} from '../../src/runtime/errors.ts';
import { importUrl, runScript } from '../support/child.ts';
import { rejectionOf } from '../support/rejections.ts';

/** The parts of an error that programs look at. */
function shape(error: unknown): Record<string, unknown> {
  const { name, message } = error as Error;
  const own = { ...(error as Record<string, unknown>) };
  delete own['stack'];
  return { ...own, name, message };
}

describe('systemError', () => {
  it('is what Node throws for a path', async () => {
    const theirs = await open('/no/such/file', 'r').catch((error: unknown) => error);
    const ours = systemError(-errno.ENOENT, 'open', { path: '/no/such/file' });
    expect(shape(ours)).toEqual(shape(theirs));
    expect(String(ours)).toBe(String(theirs));
  });

  it('is what Node throws for two paths', async () => {
    const theirs = await rename('/no/such/file', '/no/other').catch((error: unknown) => error);
    const details = { path: '/no/such/file', dest: '/no/other' };
    expect(shape(systemError(-errno.ENOENT, 'rename', details))).toEqual(shape(theirs));
  });

  it('is what Node throws without any path', async () => {
    const directory = await open('/', 'r');
    const theirs = await rejectionOf(directory.read(Buffer.alloc(1)));
    await directory.close();
    expect(shape(systemError(-errno.EISDIR, 'read'))).toEqual(shape(theirs));
  });

  it('is what Node throws for an address', async () => {
    const theirs = await new Promise((resolve) => {
      connect({ host: '127.0.0.1', port: 1 }).on('error', resolve);
    });
    const details = { address: '127.0.0.1', port: 1 };
    expect(shape(systemError(-errno.ECONNREFUSED, 'connect', details))).toEqual(shape(theirs));
  });

  it('names an address without a port, and an errno without a name', () => {
    const local = systemError(-errno.ENOENT, 'connect', { address: '/run/socket' });
    expect(local.message).toBe('connect ENOENT /run/socket');
    const unknown = systemError(-5000, 'read');
    expect(unknown).toMatchObject({ code: 'UNKNOWN', errno: -5000 });
    expect(unknown.message).toBe('UNKNOWN: unknown error, read');
  });

  it('is an Error, and has only the fields that it knows', () => {
    const error = systemError(-errno.EIO, 'read');
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toBeInstanceOf(Error);
    expect(Object.keys(error).toSorted()).toEqual(['code', 'errno', 'syscall']);
    expect(error.stack).toContain('Error: EIO: i/o error, read');
  });
});

describe('Errors about arguments', () => {
  it('have Node’s codes, classes and stacks', () => {
    const type = invalidArgType('size', 'of type number', 'x');
    expect(type).toBeInstanceOf(TypeError);
    expect(type).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' });
    expect(type.stack).toContain('TypeError [ERR_INVALID_ARG_TYPE]: ');
    const range = outOfRange('size', '>= 0', -1);
    expect(range).toBeInstanceOf(RangeError);
    expect(range).toMatchObject({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' });
    const value = invalidArgValue('mode', 'q', 'is unknown');
    expect(value).toBeInstanceOf(TypeError);
    expect(value).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' });
  });

  it.each([
    [null, 'Received null'],
    [undefined, 'Received undefined'],
    ['text', "Received type string ('text')"],
    [
      'a text that is longer than it should be',
      "Received type string ('a text that is longer tha...')",
    ],
    [5, 'Received type number (5)'],
    [5n, 'Received type bigint (5n)'],
    [true, 'Received type boolean (true)'],
    [Symbol('s'), 'Received type symbol (Symbol(s))'],
    [function named() {}, 'Received function named'],
    [[], 'Received an instance of Array'],
    [new Map(), 'Received an instance of Map'],
  ])('describe what they received as Node does: %s', (actual, ending) => {
    const ours = invalidArgType('path', 'of type string', actual).message;
    expect(ours.endsWith(ending)).toBe(true);
    expect(ours.startsWith('The "path" argument must be of type string. ')).toBe(true);
  });

  it('say the same as Node for the same mistake', () => {
    let theirs: unknown;
    try {
      Buffer.alloc('x' as never);
    } catch (error) {
      theirs = error;
    }
    const ours = invalidArgType('size', 'of type number', 'x');
    expect(ours.message).toBe((theirs as Error).message);
    expect(ours.code).toBe((theirs as { code: string }).code);
  });

  it('speak of a property where the name has a dot', () => {
    expect(invalidArgType('options.size', 'of type number', null).message).toBe(
      'The "options.size" property must be of type number. Received null',
    );
    expect(invalidArgValue('options.mode', 'q', 'is unknown').message).toBe(
      "The property 'options.mode' is unknown. Received 'q'",
    );
  });

  it('describe an object without a prototype', () => {
    const bare: unknown = Object.create(null);
    expect(() => invalidArgType('path', 'of type string', bare)).not.toThrow();
    expect(() => outOfRange('size', '>= 0', bare)).not.toThrow();
  });
});

describe('Errors of our own', () => {
  it('carry their code', () => {
    const error = codedError('ERR_RUNTIME_OPEN', 'Close it first');
    expect(error).toMatchObject({ code: 'ERR_RUNTIME_OPEN', name: 'Error' });
    expect(error.stack).toContain('Error [ERR_RUNTIME_OPEN]: Close it first');
  });

  it.each([
    ['runtime', 'ERR_RUNTIME_CLOSED'],
    ['file', 'ERR_FILE_CLOSED'],
    ['direct descriptor', 'ERR_DIRECT_DESCRIPTOR_CLOSED'],
  ])('say that the %s is closed', (what, code) => {
    expect(closedError(what)).toMatchObject({ code, message: `The ${what} is closed` });
  });

  it('say why there is no ring, for programs and for people', () => {
    const error = new UringUnavailableError('seccomp', 'A filter forbids it');
    expect(error).toMatchObject({
      code: 'ERR_URING_UNAVAILABLE',
      reason: 'seccomp',
      name: 'UringUnavailableError',
      message: 'A filter forbids it',
    });
  });
});

describe('fsError', () => {
  it('is what fs/promises rejects with, field by field', async () => {
    const theirs = (await rejectionOf(rename('/missing/a', '/missing/b'))) as Error;
    const ours = fsError(-2, 'rename', '/missing/a', '/missing/b');
    expect(Object.getPrototypeOf(ours)).toBe(Error.prototype);
    expect(Object.entries(ours)).toEqual(Object.entries(theirs));
    expect(ours.message).toBe(theirs.message);
    expect(Object.keys(fsError(-5, 'read'))).toEqual(['errno', 'code', 'syscall']);
  });
});

describe('retrace', () => {
  it('gives an error the stack of who awaits it, and nothing else', async () => {
    // In a process of its own: the runner of these tests rewrites stacks.
    const script = `
      import { fsError, retrace } from '${importUrl('dist/src/runtime/errors.js')}';
      const { stackTraceLimit } = Error;
      async function reader() {
        const error = fsError(-5, 'read');
        await new Promise((resolve, reject) => setImmediate(reject, error)).catch(retrace);
      }
      const { stack } = await reader().catch((error) => error);
      const isRestored = Error.stackTraceLimit === stackTraceLimit;
      console.log(stack.replaceAll(/ \\(.*\\)| file:.*/g, ''), isRestored);
    `;
    const { stdout } = await runScript(script);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 2)).toEqual(['Error: EIO: i/o error, read', '    at async reader']);
    expect(lines.slice(2, -1).every((line) => line.startsWith('    at async'))).toBe(true);
    expect(lines.at(-2)).toMatch(/ true$/);
  });

  it('passes on what is no error', () => {
    expect(() => retrace('a reason')).toThrow('a reason');
  });
});

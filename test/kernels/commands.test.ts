/**
 * Programs of the host: what they say, how they fail, and that none outlives the time that the
 * whole laboratory was given.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { endRunsAt, findProgram, requireProgram, run } from './commands.ts';
import { Missing } from './missing.ts';

afterEach(() => endRunsAt(Infinity));

describe('run', () => {
  it('returns what a program wrote, and throws what it complained about', () => {
    expect(run('sh', ['-c', 'echo out'])).toBe('out\n');
    const failing = (): string => run('sh', ['-c', 'echo why >&2; exit 3']);
    expect(failing).toThrow('sh -c ended with 3: why');
    expect(failing).not.toThrow(Missing);
  });

  it('takes a program that is not over in time for something that is missing', () => {
    endRunsAt(performance.now() + 50);
    expect(() => run('sleep', ['60'])).toThrow(new Missing('sleep 60 took too long'));
    // And does not begin another one in earnest.
    expect(() => run('sleep', ['60'])).toThrow(Missing);
  });
});

describe('programs', () => {
  it('are found, or are missing', () => {
    expect(findProgram('sh')).toMatch(/\/sh$/);
    expect(() => requireProgram('no-such-program')).toThrow(Missing);
  });
});

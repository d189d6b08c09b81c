/**
 * The document of the laboratory: its tables can be renewed, say nothing that the package does not,
 * and are missed when they are not there.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FeatureName } from 'onering';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/runtime/index.ts';
import { documentComplaints, renewDocument } from './document.ts';
import { featureNames } from './expectations.ts';
import { kernelNames } from './laboratory.ts';
import { readFeatures } from './report.ts';
import type { Findings } from './report.ts';

const path = fileURLToPath(new URL('../../docs/KERNELS.md', import.meta.url));
const empty = ['features', 'outcomes', 'figures']
  .map((name) => `before\n<!-- ${name} -->\nold\n<!-- end of ${name} -->\n`)
  .join('');

function findings(name: string, ...available: FeatureName[]): Findings {
  const nothing = { checks: [], figures: [], isCut: false, problems: [] };
  const rest = { release: `${name}.1`, backend: 'uring', ...nothing };
  return { name, available: new Set(available), ...rest };
}

describe('renewDocument', () => {
  it('replaces the tables and nothing else', () => {
    const once = renewDocument(empty, [findings('6.1', 'minWait')]);
    expect(once).not.toContain('old');
    expect(once.match(/before/g)).toHaveLength(3);
    expect(once).toContain('| `minWait` | yes |');
    expect(renewDocument(once, [findings('6.1', 'minWait')])).toBe(once);
    expect(() => renewDocument('nothing', [])).toThrow('The document has no place for features');
  });

  it('keeps what it says of kernels that were not looked at', () => {
    const figure = { type: 'figure', program: 'polling', name: 'busy', unit: 'µs' } as const;
    const older = { ...findings('6.12', 'minWait'), figures: [{ ...figure, value: 2 }] };
    const newer = findings('7', 'noIowait');
    const whole = renewDocument(empty, [findings('6.1'), older, newer]);
    const changed = renewDocument(whole, [findings('6.12', 'noIowait')]);
    expect(changed).toContain('| feature | 6.1 | 6.12 | 7 |\n');
    expect(changed).toContain('| `minWait` | no | no | no |\n');
    expect(changed).toContain('| `noIowait` | no | yes | yes |\n');
    expect(changed).toContain('| busy, µs |  |  |  |\n');
    expect(renewDocument(changed, [older])).toBe(whole);
    expect(renewDocument(changed, [findings('6.6')])).toContain('| 6.1 | 6.6 | 6.12 | 7 |\n');
  });
});

describe('documentComplaints', () => {
  const document = renewDocument(empty, [findings('6.1', 'minWait'), findings('7', 'noIowait')]);

  it('has none where document and kernels agree', () => {
    expect(documentComplaints(document, [findings('7', 'noIowait')])).toEqual([]);
    expect(documentComplaints(document, [findings('6.6', 'noIowait')])).toEqual([]);
  });

  it('names what differs', () => {
    expect(documentComplaints(document, [findings('7', 'minWait')])).toEqual([
      '7: docs/KERNELS.md disagrees about noIowait, minWait; see --write',
    ]);
  });
});

describe('docs/KERNELS.md', () => {
  const written = readFeatures(readFileSync(path, 'utf8'));

  it('has a column for each of the usual kernels', () => {
    expect([...written.keys()]).toEqual(kernelNames);
  });

  it('agrees with what the package says about first kernels', () => {
    const since = diagnose().features;
    const newest = written.get('7');
    const oldest = written.get('6.1');
    for (const name of featureNames) {
      const [major = 0, minor = 0] = since[name].since.split('.').map(Number);
      expect(newest?.has(name), name).toBe(true);
      expect(oldest?.has(name), name).toBe(major < 6 || minor <= 1);
    }
  });
});

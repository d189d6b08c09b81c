/**
 * Servers whose descriptors run out: see `programs/descriptors.mjs`. The limit is of a whole
 * process, so each runs in one of its own.
 */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hosts, runProgram } from '../loop/host.ts';

interface Failure {
  readonly code: string;
  readonly syscall: string;
  readonly message: string;
}

interface DescriptorsReport {
  readonly spare: number;
  readonly clients: number;
  readonly before: { readonly accepted: number; readonly hello: number; readonly gone: number };
  /** Part of a processor that was busy while nothing could be accepted. */
  readonly busy: number;
  readonly failures: Readonly<Record<string, Failure>>;
  readonly halfway: { readonly accepted: number };
  readonly after: { readonly accepted: number };
  readonly problems: readonly string[];
}

const program = new URL('programs/descriptors.mjs', import.meta.url);
const cases = hosts.flatMap((host) =>
  ['net', 'listener'].map((kind) => ({ host, kind, label: host.label })),
);

/** What differs from run to run is left out. */
function words({ code, syscall, message }: Failure): string {
  return `${syscall} ${code}: ${message.replace(/(?<=descriptors-)\d+|:\d{2,}/g, '')}`.replaceAll(
    '\0',
    '@',
  );
}

describe('without descriptors', () => {
  it.for(cases)(
    'a server of kind $kind rests and goes on, on $label',
    { timeout: 40_000 },
    async ({ host, kind }, { skip }) => {
      if (spawnSync('prlimit', ['--version']).status !== 0) skip('needs the command prlimit');
      const seen = await runProgram<DescriptorsReport>(host, program, [kind], {
        timeoutMs: 30_000,
      });
      const { before, halfway, after, spare, clients, failures } = seen;
      const isOnRing = host.backend === 'uring';
      expect(seen.problems).toEqual([]);
      expect(before.accepted).toBeLessThan(clients / 2 + 2);
      // On the ring nobody is dropped, on Node's own loop everybody is who does not fit.
      expect(before.gone).toBe(isOnRing ? 0 : clients - before.hello);
      expect(seen.busy).toBeLessThan(0.2);
      if (isOnRing) expect(halfway.accepted).toBeGreaterThanOrEqual(before.accepted + spare);
      expect(after.accepted).toBe(isOnRing ? clients + 1 : before.accepted + 1);
      const said = Object.entries(failures).map(([what, failure]) => [what, words(failure)]);
      // The promise form names no local address, which Node's own socket does below it.
      const nowhere = ' - Local (undefined:undefined)';
      expect(Object.fromEntries(said)).toEqual({
        connect: `connect EMFILE: connect EMFILE 127.0.0.1${nowhere}`,
        connectPath: 'connect EMFILE: connect EMFILE @onering-descriptors-',
        listen: 'listen EMFILE: listen EMFILE: too many open files 127.0.0.1',
        listenPath: 'listen EMFILE: listen EMFILE: too many open files @onering-descriptors-',
        stream: `connect EMFILE: connect EMFILE 127.0.0.1${isOnRing ? '' : nowhere}`,
        listener: 'listen EMFILE: listen EMFILE: too many open files 127.0.0.1',
        unix: 'connect EMFILE: connect EMFILE @onering-descriptors-',
        unixListener: 'listen EMFILE: listen EMFILE: too many open files @onering-descriptors-',
        datagrams: 'bind EMFILE: bind EMFILE 127.0.0.1',
      });
    },
  );
});

/**
 * One file per forked process, two at a time: a process has one ring, and the tests must pass on
 * two cores. Unit tests import `src`; what imports `onering` by name gets the build, as users do.
 */

import { defineConfig } from 'vitest/config';
import type { ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Node loads the build itself, untransformed.
    server: { deps: { external: [/\/dist\/(src|bin)\//] } },
  },
});

export default config;

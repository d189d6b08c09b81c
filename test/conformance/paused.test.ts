/**
 * The cases of `paused.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { pausedSuite } from './paused.ts';

describe.each(backends)('sockets that are paused for good, on %s', (backend) => {
  pausedSuite.define(backend);
});

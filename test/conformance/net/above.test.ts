/**
 * The cases of `above.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../../support/conformance-suite.ts';
import { aboveSuite } from './above.ts';

describe.each(backends)('net, above, on %s', (backend) => {
  aboveSuite.define(backend);
});

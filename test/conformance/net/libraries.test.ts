/**
 * The cases of `libraries.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../../support/conformance-suite.ts';
import { librariesSuite } from './libraries.ts';

describe.each(backends)('net, libraries, on %s', (backend) => {
  librariesSuite.define(backend);
});

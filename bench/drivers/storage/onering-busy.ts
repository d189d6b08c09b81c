/**
 * Random reads by busy polling of the device.
 */

import { polledDriver } from './polled.ts';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = polledDriver('busy');

/**
 * Random reads by hybrid polling of the device.
 */

import { polledDriver } from './polled.ts';
import type { StorageDriver } from './storage-driver.ts';

export const driver: StorageDriver = polledDriver('hybrid');

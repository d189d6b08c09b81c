/**
 * Which of Debian's packages is taken for a series. Fetching it is tried by running the laboratory.
 */

import { describe, expect, it } from 'vitest';
import { newestImage } from './archive.ts';

const packages = [
  'linux-image-6.1.0-47-cloud-amd64',
  'linux-image-6.1.0-50-cloud-amd64',
  'linux-image-6.1.0-50-cloud-amd64-unsigned',
  'linux-image-6.1.0-9-cloud-amd64',
  'linux-image-6.12.107+deb13-cloud-amd64',
  'linux-image-6.12.90+deb12-cloud-amd64',
  'linux-image-6.12.90+deb12.1-cloud-amd64',
  'linux-image-6.12.108+deb13-amd64',
  'linux-image-7.0.13+deb13-cloud-amd64',
  'linux-image-7.2.12+deb13-cloud-amd64',
  'linux-image-7.2.9+deb13-cloud-amd64',
  'linux-image-cloud-amd64',
];

describe('newestImage', () => {
  it.each([
    ['6.1', 'linux-image-6.1.0-50-cloud-amd64'],
    ['6.12', 'linux-image-6.12.107+deb13-cloud-amd64'],
    ['6.12.90+deb12', 'linux-image-6.12.90+deb12.1-cloud-amd64'],
    ['7', 'linux-image-7.2.12+deb13-cloud-amd64'],
    ['7.0', 'linux-image-7.0.13+deb13-cloud-amd64'],
  ])('takes the newest of %s', (name, image) => {
    expect(newestImage(packages, name)).toBe(image);
    expect(newestImage(packages.toReversed(), name)).toBe(image);
  });

  it.each(['6', '6.18', '6.1.0', '.*', 'cloud'])('knows when there is none of %s', (name) => {
    const others = packages.filter((image) => !image.includes('-6.1'));
    expect(newestImage(others, name)).toBeUndefined();
  });
});

import { networkInterfaces } from 'node:os';

/** Whether an interface of this machine has the address. */
export function isLocalAddress(ip: string): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address.replace(/%.*$/, '') === ip),
  );
}

import type { AddressPolicy } from '../domain/webhook/address.ts';
import { parseDestinationRules } from '../domain/webhook/destination-rule.ts';
import type { OwnListener } from '../domain/webhook/own-listeners.ts';
import type { Config } from './config/load.ts';
import { isLocalAddress } from './listen/local-address.ts';

/** `listeners` is filled as soon as they are there, before anything is sent. */
export function addressPolicy(config: Config, listeners: readonly OwnListener[]): AddressPolicy {
  const { allowDestinations, denyDestinations, onlyDestinations, egressProxy } = config;
  return {
    allow: parseDestinationRules(allowDestinations, 'allow-destinations'),
    deny: parseDestinationRules(denyDestinations, 'deny-destinations'),
    only: parseDestinationRules(onlyDestinations, 'only-destinations'),
    own: { listeners, isLocal: isLocalAddress },
    isResolvedElsewhere: egressProxy !== undefined,
  };
}

/** Between what a destination has said and the columns of it. */
import type { Consent } from '../../domain/webhook/consent.ts';
import { CONSENT, type ConsentRow } from './tables.ts';

export function toConsentRow(consent: Consent | undefined): ConsentRow {
  if (consent === undefined) return [null, null, 0];
  const { dueAt, since, ...rest } = consent;
  return [JSON.stringify(rest), dueAt, since];
}

export function fromConsentRow(row: ConsentRow): Consent | undefined {
  const { at } = CONSENT;
  const said = row[at.consent];
  if (said === null) return undefined;
  const rest: Omit<Consent, 'dueAt' | 'since'> = JSON.parse(said);
  return { ...rest, dueAt: row[at.consentDueAt], since: row[at.consentSince] };
}

import type { Standby } from '../../domain/standby.ts';
import { STANDBY, type StandbyRow } from '../rows/tables.ts';
import type { StandingBy } from '../standing-by.ts';
import { type Connection, ONE_ROW } from './connection.ts';

export function standingBy({ client }: Pick<Connection, 'client'>): StandingBy {
  return {
    getStandby: async () => client.call('getStandby', null, ONE_ROW, fromStandbyRow),
    standBy: async ({ reason, since }) => client.call('standBy', [reason, since], ONE_ROW, () => {}),
    takeOver: async () => client.call('takeOver', null, ONE_ROW, fromStandbyRow),
  };
}

function fromStandbyRow(row: StandbyRow | undefined): Standby | undefined {
  return row && { reason: row[STANDBY.at.reason], since: row[STANDBY.at.since] };
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canonicalTimeZone,
  isTimeZone,
  offsetAt,
  readWall,
  stretchAt,
} from '../../../src/domain/schedule/zone.ts';
import { changes, DAY, HOUR, MINUTE, utc } from '../../support/schedule.ts';

const zoneNames = Intl.supportedValuesOf('timeZone');

const byParts = new Map<string, Intl.DateTimeFormat>();

/** What a clock in the zone shows, by another way through Intl than the one under test. */
function wallByParts(zone: string, instant: number): number {
  let format = byParts.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    byParts.set(zone, format);
  }
  const parts = format.formatToParts(instant);
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'), read('second'));
}

describe('a time zone name', () => {
  it('is taken in any case and given back as the platform spells it', () => {
    assert.equal(canonicalTimeZone('america/new_york'), 'America/New_York');
    assert.equal(canonicalTimeZone('utc'), 'UTC');
    assert.equal(canonicalTimeZone('etc/gmt+5'), 'Etc/GMT+5');
  });

  it('may be a link to a zone', () => {
    for (const name of ['US/Eastern', 'Asia/Kolkata', 'Europe/Kyiv', 'GMT', 'Etc/UTC', 'EST5EDT']) {
      assert.ok(isTimeZone(name), name);
    }
  });

  it('is not a bare offset', () => {
    for (const name of ['+02:00', '-0200', '+02', '02:00', 'UTC+1', 'GMT+2', '-00:00']) {
      assert.ok(!isTimeZone(name), name);
    }
  });

  it('is not an abbreviation that IANA does not know', () => {
    for (const name of ['BST', 'bst', 'IST', 'PST', 'JST']) assert.ok(!isTimeZone(name), name);
  });

  it('is not anything else', () => {
    for (const name of ['', ' UTC', 'UTC ', 'Mars/Olympus', 'Z', 'a'.repeat(10_000), 'Europe/Vienna\0']) {
      assert.ok(!isTimeZone(name), JSON.stringify(name.slice(0, 20)));
    }
  });

  it('that is unknown is refused when an offset is asked for', () => {
    assert.throws(() => offsetAt('Mars/Olympus', 0), { name: 'DomainError', code: 'INVALID' });
  });
});

describe('an offset', () => {
  it('is what the platform shows, in every zone and century', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zoneNames),
        fc.integer({ min: utc('1800-01-01T00:00Z') / 1000, max: utc('2200-01-01T00:00Z') / 1000 }),
        (zone, second) => {
          assert.equal(second * 1000 + offsetAt(zone, second * 1000), wallByParts(zone, second * 1000));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('changes in the very millisecond of the transition', () => {
    for (const { zone, at, byMs } of changes) {
      assert.equal(offsetAt(zone, at) - offsetAt(zone, at - 1), byMs, `${zone} ${byMs}`);
    }
  });

  it('has seconds before there was standard time', () => {
    assert.equal(offsetAt('America/New_York', utc('1800-01-01T00:00Z')), -((4 * 60 + 56) * 60 + 2) * 1000);
  });

  it('is known from the year 1 to the year 9999', () => {
    assert.equal(offsetAt('Europe/Vienna', utc('0001-01-01T00:00Z')), 3_921_000);
    assert.equal(offsetAt('Europe/Vienna', utc('9999-07-01T00:00Z')), 2 * HOUR);
  });
});

describe('a stretch', () => {
  it('joins the next one without a gap, over a lifetime of changes', () => {
    for (const zone of [
      'America/New_York',
      'Africa/Casablanca',
      'Europe/Dublin',
      'America/Recife',
      'Asia/Gaza',
    ]) {
      let found = 0;
      let at = utc('1995-01-01T00:00Z');
      while (at < utc('2045-01-01T00:00Z')) {
        const { start, end, offsetMs, changedAt, beforeMs } = stretchAt(zone, at);
        assert.ok(start <= at && at < end);
        if (changedAt === start) found++;
        if (start === at) assert.equal(wallByParts(zone, start), start + offsetMs);
        if (changedAt === start) assert.equal(wallByParts(zone, start - 1000), start - 1000 + beforeMs);
        at = end;
      }
      assert.ok(found > 0, zone);
    }
  });

  it('sees changes that are close to each other', () => {
    const pairs: [zone: string, first: string, second: string][] = [
      ['America/Recife', '2000-10-08T03:00Z', '2000-10-15T02:00Z'],
      ['America/Argentina/Tucuman', '2004-06-01T03:00Z', '2004-06-13T04:00Z'],
      ['Africa/Tunis', '1943-04-17T00:00Z', '1943-04-25T01:00Z'],
      ['Europe/Tirane', '1943-03-29T01:00Z', '1943-04-10T01:00Z'],
      ['Europe/Vienna', '1945-04-02T01:00Z', '1945-04-12T01:00Z'],
    ];
    for (const [zone, first, second] of pairs) {
      const [before, between, after] = [utc(first) - 1, utc(first), utc(second)].map((at) =>
        offsetAt(zone, at),
      );
      assert.equal(Math.abs(between! - before!), HOUR, zone);
      assert.equal(after, before, zone);
      assert.equal(offsetAt(zone, utc(second) - 1), between, zone);
    }
  });
});

describe('a wall time', () => {
  const read = (zone: string, wall: string) => readWall(zone, utc(`${wall}Z`));

  it('is mostly one instant', () => {
    assert.deepEqual(read('America/New_York', '2024-07-01T12:00'), {
      kind: 'one',
      instant: utc('2024-07-01T16:00Z'),
    });
  });

  it('is none in a gap, and later by its length', () => {
    assert.deepEqual(read('America/New_York', '2024-03-10T02:30'), {
      kind: 'gap',
      instant: utc('2024-03-10T07:30Z'),
      lengthMs: HOUR,
    });
    assert.deepEqual(read('Australia/Lord_Howe', '2024-10-06T02:15'), {
      kind: 'gap',
      instant: utc('2024-10-05T15:45Z'),
      lengthMs: 30 * MINUTE,
    });
  });

  it('is none all day where the date line moved', () => {
    for (const wall of ['2011-12-30T00:00', '2011-12-30T12:00', '2011-12-30T23:59']) {
      const reading = read('Pacific/Apia', wall);
      assert.equal(reading.kind, 'gap');
      assert.equal(reading.kind === 'gap' && reading.lengthMs, DAY);
    }
    assert.equal(read('Pacific/Apia', '2011-12-29T23:59').kind, 'one');
    assert.equal(read('Pacific/Apia', '2011-12-31T00:00').kind, 'one');
  });

  it('is two instants when the clocks were put back over it', () => {
    assert.deepEqual(read('America/New_York', '2024-11-03T01:30'), {
      kind: 'two',
      first: utc('2024-11-03T05:30Z'),
      second: utc('2024-11-03T06:30Z'),
    });
    assert.deepEqual(read('Africa/Cairo', '2024-10-31T23:30'), {
      kind: 'two',
      first: utc('2024-10-31T20:30Z'),
      second: utc('2024-10-31T21:30Z'),
    });
  });

  it('begins and ends to be so in the very millisecond', () => {
    for (const { zone, at, byMs } of changes) {
      const from = at + offsetAt(zone, byMs > 0 ? at - 1 : at);
      const to = at + offsetAt(zone, byMs > 0 ? at : at - 1);
      const kinds = [from - 1, from, to - 1, to].map((wall) => readWall(zone, wall).kind);
      const changed = byMs > 0 ? 'gap' : 'two';
      assert.deepEqual(kinds, ['one', changed, changed, 'one'], `${zone} ${byMs}`);
    }
  });

  it('leads back to any instant that shows it', () => {
    const instants = fc.oneof(
      fc.integer({ min: utc('1850-01-01T00:00Z'), max: utc('2100-01-01T00:00Z') }),
      fc
        .tuple(fc.constantFrom(...changes), fc.integer({ min: -2 * DAY, max: 2 * DAY }))
        .map(([c, ms]) => c.at + ms),
    );
    const zones = fc.constantFrom(...changes.map(({ zone }) => zone), 'Asia/Manila', 'Europe/Lisbon');
    fc.assert(
      fc.property(zones, instants, (zone, instant) => {
        const reading = readWall(zone, instant + offsetAt(zone, instant));
        assert.notEqual(reading.kind, 'gap');
        if (reading.kind === 'one') assert.equal(reading.instant, instant);
        if (reading.kind === 'two') assert.ok(reading.first === instant || reading.second === instant);
      }),
      { numRuns: 500 },
    );
  });
});

import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import type { Declared } from '../declared/declared.ts';
import type { Source } from '../declared/files.ts';
import type { Problem, SourceLine } from '../declared/source-line.ts';
import { type Job, parseCrontab } from './crontab.ts';
import { NotImportable } from './curl.ts';
import { createIdsOf } from './ids.ts';
import { curlRequest, KEEPS } from './request.ts';
import { NotSimple, parseCommand } from './shell.ts';

/** A line as a webhook. */
export interface Imported {
  readonly declared: Declared;
  readonly json: JsonObject;
}

export interface Imports {
  readonly imported: readonly Imported[];
  /** Lines that are not taken, and why. */
  readonly refused: readonly Problem[];
  /** What is other than it was, line by line. */
  readonly warnings: readonly Problem[];
  /** What is to be known about all of them. */
  readonly notes: readonly string[];
}

export interface ImportOptions {
  /** Whether lines name a user. */
  readonly system: boolean;
  /** That of lines which no CRON_TZ stands before; undefined for the machine's. */
  readonly timeZone: string | undefined;
  readonly machineZone: string;
  readonly namespace: string;
}

/** What the lines of a crontab are as webhooks. */
export function readImports({ file, text }: Source, options: ImportOptions): Imports {
  const { jobs, refusals } = parseCrontab(text, options);
  const at = (line: number): SourceLine => ({ file, line });
  const refused = refusals.map(({ line, reason }): Problem => ({ at: at(line), message: reason }));
  const imported: Imported[] = [];
  const warnings: Problem[] = [];
  const idOf = createIdsOf();
  let [ofMachine, withoutEnd] = [false, false];
  for (const job of jobs) {
    try {
      const request = requestOf(job, options.system);
      warnings.push(...request.warnings.map((message) => ({ at: at(job.line), message })));
      const zone = job.env.get('CRON_TZ') || options.timeZone;
      ofMachine ||= zone === undefined;
      withoutEnd ||= !request.hasTimeout;
      const id = idOf(request.destination);
      const schedule = { cron: job.schedule, timeZone: zone ?? options.machineZone };
      const json = { id, name: id, destination: request.destination, schedule, ...request.webhook };
      const webhook = fromJson(WebhookSchema, json);
      webhook.namespace = options.namespace;
      imported.push({ json, declared: { webhook, lineOf: () => at(job.line), written: [] } });
    } catch (error) {
      if (!(error instanceof NotSimple || error instanceof NotImportable)) throw error;
      refused.push({ at: at(job.line), message: error.message });
    }
  }
  return { imported, refused, warnings, notes: notesOf(options.machineZone, { ofMachine, withoutEnd }) };
}

function requestOf({ command, input, env }: Job, system: boolean) {
  const { words, outputs } = parseCommand(command, env);
  const [program = '', ...rest] = words;
  if (!/^(?:.*\/)?curl$/.test(program)) {
    const hint = !system && rest[0]?.endsWith('curl') ? '; if that is a user, give --system' : '';
    throw new NotImportable(
      `it runs ${program === '' ? 'nothing' : JSON.stringify(program)}, and not curl${hint}`,
    );
  }
  const request = curlRequest(rest, input);
  return { ...request, warnings: [...request.warnings, ...outputs.map(KEEPS)] };
}

function notesOf(
  machineZone: string,
  { ofMachine, withoutEnd }: { readonly ofMachine: boolean; readonly withoutEnd: boolean },
): string[] {
  return [
    ...(ofMachine
      ? [`times are read in ${machineZone}, the time zone of this machine; --time-zone names another`]
      : []),
    ...(withoutEnd
      ? [
          'without -m curl waits for as long as it takes; an attempt of Carillon takes at most 15 s unless timeout says more',
        ]
      : []),
  ];
}

import { type Output, type RunningProgram, runProgram } from '../../support/server.ts';
import { type Run, run } from '../tool.ts';
import type { Image } from './image.ts';
import type { Env } from './root-folder.ts';

/** A container without an engine: the image's user, without any rights, on a file system that cannot be written. */
export interface Container extends RunningProgram {
  /** Runs the health check of the image in it. */
  check(): Promise<Run>;
}

export interface ContainerOptions {
  /** What the image is told beside its own. */
  readonly env: Env;
  /** In place of the image's. */
  readonly cmd?: readonly string[];
  /** The folder in which the database lies; without it there is nothing that can be written. */
  readonly data?: string;
  /** What is seen in it at other paths. */
  readonly shown?: Readonly<Record<string, string>>;
}

export function startContainer(image: Image, { env, cmd, data, shown = {} }: ContainerOptions): Container {
  const within = {
    cwd: image.workdir,
    env: { ...image.env, ...env },
    user: image.user,
    volumes: data === undefined ? {} : { [image.workdir]: data },
    shown,
  };
  const command = image.root.command([...image.entrypoint, ...(cmd ?? image.cmd)], within);
  const program = runProgram(command.file, command.args, { cwd: '/', env: command.env });
  return {
    ...program,
    check: () => {
      const asked = image.root.command(image.healthcheck, within);
      return run(asked.file, asked.args, { env: asked.env });
    },
  };
}

/** Resolves with the URL at which it listens. */
export async function listening(container: Container): Promise<string> {
  const url = await container.printed(({ log }: Output) => log.find(({ msg }) => msg === 'listening')?.url);
  return String(url);
}

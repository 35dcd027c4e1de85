import { didYouMean } from '../../domain/nearest.ts';
import { EXIT } from '../exit.ts';
import type { World } from '../world.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { allWords, SHELLS, type Shell, type Words } from './words.ts';
import { zshCompletion } from './zsh.ts';

const SCRIPTS: Readonly<Record<Shell, (words: Words) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** What `carillon completion --help` prints. */
export const COMPLETION_HELP = `carillon completion: print what makes a shell complete commands, options and their values.

Usage: carillon completion <bash|zsh|fish>

In a shell, and in what it reads at its start:

  bash  source <(carillon completion bash)       ~/.bashrc
  zsh   source <(carillon completion zsh)        ~/.zshrc
  fish  carillon completion fish | source        ~/.config/fish/config.fish
`;

/** `carillon completion bash`. */
export function completion(argv: readonly string[], world: Pick<World, 'out' | 'err'>): number {
  const [word, extra] = argv;
  const shell = SHELLS.find((known) => known === word);
  if (shell === undefined || extra !== undefined) {
    const wrong =
      word === undefined
        ? 'completion needs a shell'
        : shell === undefined
          ? `${JSON.stringify(word)} is no shell that is known${didYouMean(word, SHELLS)}`
          : `unexpected ${JSON.stringify(extra)}`;
    world.err(`carillon: ${wrong}; give one of ${SHELLS.join(', ')}\n`);
    return EXIT.usage;
  }
  world.out(SCRIPTS[shell](allWords()));
  return EXIT.ok;
}

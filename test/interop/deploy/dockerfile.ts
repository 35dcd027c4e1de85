/** What a Dockerfile says, as far as ours goes: its stages, and the instructions of each. */
export interface Stage {
  readonly name: string | undefined;
  readonly from: string;
  readonly steps: readonly Instruction[];
}

export interface Instruction {
  /** In capitals. */
  readonly word: string;
  readonly rest: string;
}

/** Raises for what our own Dockerfile has no need of. */
export function readDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const args = new Map<string, string>();
  const stages: { name: string | undefined; from: string; steps: Instruction[] }[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    if (word === 'ARG') {
      const [name = '', value = ''] = rest.split('=');
      args.set(name, value);
    } else if (word === 'FROM') {
      const [, image = '', , name] = /^(\S+)(\s+AS\s+(\S+))?$/.exec(rest) ?? [];
      const from = image.replaceAll(/\$\{(\w+)\}/g, (_, arg: string) => args.get(arg) ?? '');
      stages.push({ name, from, steps: [] });
    } else stages.at(-1)!.steps.push({ word, rest });
  }
  return stages;
}

/** The words of an instruction that is written as a list in JSON. */
export function wordsOf(rest: string): string[] {
  return JSON.parse(rest) as string[];
}

/** `A=1 B="two words"` */
export function pairsOf(rest: string): Record<string, string> {
  const found = rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g);
  return Object.fromEntries([...found].map(([, name, quoted, bare]) => [name!, quoted ?? bare ?? '']));
}

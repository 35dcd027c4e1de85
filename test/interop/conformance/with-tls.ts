import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes what connectconformance is told of a port, and what is known to fail there, for TLS and nothing else. */
export async function overTls(
  config: string,
  known: string,
  folder: string,
): Promise<{ readonly config: string; readonly known: string }> {
  await mkdir(folder, { recursive: true });
  const paths = { config: join(folder, 'tls.yaml'), known: join(folder, 'tls-known-failing.txt') };
  const told = (await readFile(config, 'utf8')).replace('supports_tls: false', 'supports_tls: true');
  await writeFile(paths.config, `${told}\nexclude_cases:\n  - use_tls: false\n`);
  await writeFile(paths.known, (await readFile(known, 'utf8')).replaceAll('TLS:false', 'TLS:true'));
  return paths;
}

import { quote } from '../../../domain/text.ts';
import { CURL_OPTIONS, CURL_SHORT, type CurlOption } from './curl-options.ts';

/** What a line of curl asks for, in order. */
export interface CurlArguments {
  readonly options: readonly { readonly name: string; readonly value: string }[];
  readonly urls: readonly string[];
  /** What was left out, and why. */
  readonly warnings: readonly string[];
}

/** Why a line of curl cannot be what Carillon does. */
export class NotImportable extends Error {
  override readonly name = 'NotImportable';
}

/** Takes apart what follows `curl`, as curl(1) does. Raises NotImportable for options that it does not know. */
export function curlArguments(words: readonly string[]): CurlArguments {
  const options: { name: string; value: string }[] = [];
  const urls: string[] = [];
  const warnings: string[] = [];
  const take = (name: string, shown: string, value: () => string): void => {
    const option = known(name, shown);
    const given = option.does !== 'refuse' && option.value ? value() : '';
    if (option.does === 'refuse') throw new NotImportable(`${shown}: ${option.why}`);
    if (option.does === 'warn') warnings.push(`${shown} is left out: ${option.why}`);
    else if (name === 'url') urls.push(given);
    else if (option.does === 'count') options.push({ name, value: given });
  };
  let onlyUrls = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const next = (shown: string) => (): string => {
      const value = words[++i];
      if (value === undefined) throw new NotImportable(`${shown} needs a value`);
      return value;
    };
    if (onlyUrls || !word.startsWith('-') || word === '-') {
      urls.push(word);
    } else if (word === '--') {
      onlyUrls = true;
    } else if (word.startsWith('--')) {
      take(word.slice(2), word, next(word));
    } else {
      // -sSX POST, -m10
      for (let at = 1; at < word.length; at++) {
        const shown = `-${word[at]}`;
        const behind = word.slice(at + 1);
        take(CURL_SHORT[word[at]!] ?? word[at]!, shown, () => {
          at = word.length;
          return behind === '' ? next(shown)() : behind;
        });
      }
    }
  }
  return { options, urls, warnings };
}

function known(name: string, shown: string): CurlOption {
  const option = CURL_OPTIONS.get(name);
  if (option === undefined)
    throw new NotImportable(`${quote(shown)} is an option of curl that is not known here`);
  return option;
}

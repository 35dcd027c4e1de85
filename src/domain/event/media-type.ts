/** RFC 9110, section 8.3.1, with parameters. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = `[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[\\t\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*")`;
const PARAMETERS = new RegExp(PARAMETER.replace(`${TOKEN}=(?:`, `(${TOKEN})=(`), 'g');
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:${PARAMETER})*$`);

/** What stands behind these without a word of text in the type itself, nor a charset. */
const TEXT_SUBTYPES = /[/+](?:xml|yaml|x-www-form-urlencoded|javascript|x-ndjson)$/;

/** Whether this is a media type such as `application/json; charset=utf-8`. */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

/** The value of a parameter, without its quotes; `name` in lower case. The first counts. */
export function parameterOf(mediaType: string, name: string): string | undefined {
  if (!mediaType.includes(';')) return undefined;
  for (const [, key, value] of mediaType.matchAll(PARAMETERS)) {
    if (key!.toLowerCase() === name) return value!.replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}

/**
 * What content of a media type is: JSON (`…/json`, `…+json`); text (`text/…`, XML, YAML, forms,
 * scripts, and whatever names a charset); or bytes, which is everything else.
 */
export function contentKind(mediaType: string): 'JSON' | 'TEXT' | 'BYTES' {
  const semicolon = mediaType.indexOf(';');
  const essence = (semicolon < 0 ? mediaType : mediaType.slice(0, semicolon)).trim().toLowerCase();
  if (essence.endsWith('/json') || essence.endsWith('+json')) return 'JSON';
  if (essence.startsWith('text/') || TEXT_SUBTYPES.test(essence)) return 'TEXT';
  return semicolon >= 0 && parameterOf(mediaType, 'charset') !== undefined ? 'TEXT' : 'BYTES';
}

/** Whether content of a media type is taken for a CloudEvent, or several, whatever the headers say. */
export function isCloudEvent(mediaType: string): boolean {
  return mediaType.trimStart().toLowerCase().startsWith('application/cloudevents');
}

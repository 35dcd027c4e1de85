/** What a page is made of in an OpenAPI document: that of gen/openapi.json, whose form we know. */
export interface OpenApi {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Partial<Body>>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface Body {
  readonly description?: string;
  readonly required?: boolean;
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Schema {
  readonly $ref?: string;
  /** With null beside it where that is as good as nothing. */
  readonly type?: string | readonly [string, 'null'];
  readonly anyOf?: readonly [Schema, Schema];
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
}

/**
 * A reference page: one HTML text without a script, so that it works offline, in any browser and under the
 * strictest policy, and is searched by the browser itself.
 */
export function renderReference({ info, tags, paths, components }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ path, verb: verb.toUpperCase(), operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return {
      contents: `<li><a href="#${name}">${name}</a><ul>${own.map(contentsLine).join('')}</ul></li>`,
      text: `<section id="${name}"><h2>${name}</h2>${prose(description)}${own.map(renderOperation).join('')}</section>`,
    };
  });
  const schemas = Object.entries(components.schemas);
  const links = schemas.map(([name]) => `<li><a href="#schema-${escaped(name)}">${escaped(name)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} ${escaped(info.version)}: reference</title>
<link rel="stylesheet" href="/docs/reference.css">
</head>
<body>
<nav aria-label="Contents"><h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p><a href="/openapi.json">openapi.json</a></p>
<ul>${sections.map(({ contents }) => contents).join('')}</ul>
<details><summary>Messages</summary><ul>${links.join('')}</ul></details>
</nav>
<main>
${prose(info.description)}
${sections.map(({ text }) => text).join('\n')}
<section id="messages"><h2>Messages</h2>${schemas.map(([name, schema]) => renderSchema(name, schema)).join('\n')}</section>
</main>
</body>
</html>
`;
}

interface Placed {
  readonly path: string;
  readonly verb: string;
  readonly operation: Operation;
}

function contentsLine({ path, verb, operation }: Placed): string {
  return `<li><a href="#${operation.operationId}"><b>${verb}</b> ${escaped(path)}</a></li>`;
}

function renderOperation({ path, verb, operation }: Placed): string {
  const { operationId, description, parameters, requestBody, responses } = operation;
  const answer = responses['200'];
  return `<article id="${operationId}">
<h3><b>${verb}</b> <code>${escaped(path)}</code></h3>
<p class="rpc">${escaped(operationId.replace(/_\d+$/, '').replace('_', '/'))}</p>
${prose(description)}
${parameters.length === 0 ? '' : `<h4>Parameters</h4>${table(parameters.map(parameterRow))}`}
${requestBody === undefined ? '' : `<h4>Body</h4>${renderBody(requestBody)}`}
<h4>Answer</h4>${renderBody(answer ?? {})}
</article>`;
}

function parameterRow({ name, in: where, required = false, description = '', schema }: Parameter): Row {
  const note = required && where !== 'path' ? `${where}, required` : where;
  return { name: escaped(name), type: `${typeOf(schema)}<br><small>${note}</small>`, description };
}

function renderBody({ description = '', content = {} }: Partial<Body>): string {
  return Object.entries(content)
    .map(([type, { schema }]) => {
      const fields = schema.properties === undefined ? '' : fieldsTable(schema);
      const text =
        schema.type === 'string' || description === 'The answer.' ? '' : (schema.description ?? '');
      const said = [description === 'The answer.' ? '' : description, text].filter((each) => each !== '');
      return `<p><code>${escaped(type)}</code>: ${typeOf(schema)}</p>${said.map(prose).join('')}${fields}`;
    })
    .join('');
}

function renderSchema(name: string, schema: Schema): string {
  const { description = '', properties } = schema;
  const fields = properties === undefined ? '' : fieldsTable(schema);
  return `<article id="schema-${escaped(name)}"><h3>${escaped(name)}</h3>${prose(description)}${fields}</article>`;
}

function fieldsTable({ properties = {}, required = [] }: Schema): string {
  return table(
    Object.entries(properties).map(([name, schema]) => fieldRow(name, schema, required.includes(name))),
  );
}

function fieldRow(name: string, schema: Schema, required: boolean): Row {
  const { readOnly, writeOnly, description = '' } = schema;
  const behavior = required ? 'required' : readOnly ? 'output only' : writeOnly ? 'input only' : '';
  const note = behavior === '' ? '' : `<br><small>${behavior}</small>`;
  return { name: escaped(name), type: `${typeOf(schema)}${note}`, description };
}

interface Row {
  readonly name: string;
  readonly type: string;
  readonly description: string;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ name, type, description }) =>
      `<tr><th scope="row"><code>${name}</code></th><td>${type}</td><td>${prose(description)}</td></tr>`,
  );
  return `<div class="wide"><table>${lines.join('')}</table></div>`;
}

function typeOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return typeOf(schema.anyOf[0]);
  if (schema.$ref !== undefined) {
    const name = escaped(schema.$ref.replace('#/components/schemas/', ''));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeOf(schema.additionalProperties)}`;
  const type = typeof schema.type === 'object' ? schema.type[0] : schema.type;
  return escaped([type ?? 'any JSON', schema.format ?? ''].join(' ').trim());
}

/** Paragraphs, lists and code of the little Markdown that comments have. */
function prose(text: string): string {
  if (text === '') return '';
  return text
    .split('\n\n')
    .map((paragraph) => {
      const lines = paragraph.split('\n');
      if (!lines.every((line) => line.startsWith('- '))) return `<p>${inline(paragraph)}</p>`;
      return `<ul>${lines.map((line) => `<li>${inline(line.slice(2))}</li>`).join('')}</ul>`;
    })
    .join('');
}

function inline(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

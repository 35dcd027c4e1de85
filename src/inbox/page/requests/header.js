/** The value of a request's header, by its name in lower case; of a repeated one the first. Undefined without one. */
export const headerOf = ({ headers }, name) => headers.find(([each]) => each.toLowerCase() === name)?.[1];

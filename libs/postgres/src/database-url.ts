/**
 * The URL of another database on the same server, with the same role, password and parameters.
 * @param base URL of any database of the server, `postgres://…`
 * @param name plain database name, e.g. `ordermesh_log`
 * @throws TypeError when `base` is no URL
 */
export function databaseUrl(base: string, name: string): string {
  const url = new URL(base);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

/** The database that a URL names, undefined when it names none (the server then takes the role's name). */
export function databaseOf(url: string): string | undefined {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  return name === '' ? undefined : name;
}

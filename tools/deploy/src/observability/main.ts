// `npm run dashboards:gen`: writes deploy/observability/grafana anew from dashboards.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboards } from './dashboards.ts';
import { grafanaJson } from './grafana.ts';

const folder = join(import.meta.dirname, '../../../../deploy/observability/grafana');
for (const dashboard of dashboards)
  writeFileSync(join(folder, `${dashboard.uid}.json`), grafanaJson(dashboard));

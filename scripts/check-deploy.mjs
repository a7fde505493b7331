// What deploy/ and .github/ promise, as far as it can be judged without a container engine, a cluster or GitHub: whatever they name exists, images and actions
// are pinned, nothing runs as root, and the variables are ones that the server reads. CI has `docker compose config`, `helm lint` and `helm template` besides.
import './node-version.mjs'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { DockerfileParser } from 'dockerfile-ast'
import { parseAllDocuments } from 'yaml'
import { ROOT } from './bootstrap.mjs'

const problems = []
const must = (holds, file, text) => {
  if (!holds) problems.push(`${relative(ROOT, file)}: ${text}`)
}
const read = (file) => readFileSync(file, 'utf8')

/** The one document of a YAML file, or undefined with the problems noted: doubled keys are problems too. */
function parse(file, text = read(file)) {
  const documents = parseAllDocuments(text, { uniqueKeys: true, merge: true })
  must(documents.length === 1, file, `${documents.length} documents`)
  for (const error of documents.flatMap((document) => [...document.errors, ...document.warnings])) must(false, file, error.message.split('\n')[0])
  return documents.some((document) => document.errors.length > 0) ? undefined : documents[0]?.toJS()
}

// The names of variables that the server reads, from its source.
const serverSource = join(ROOT, 'packages/server-node/src')
const source = readdirSync(serverSource, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const known = new Set(['HOST', 'PORT', 'NODE_ENV'])
for (const name of source) for (const [variable] of read(join(serverSource, name)).matchAll(/SECURECHAT_[A-Z_]+/g)) known.add(variable)
const isVariable = (name) => known.has(name) || (name.endsWith('_FILE') && known.has(name.slice(0, -5)))

function checkDockerfile(file) {
  const dockerfile = DockerfileParser.parse(read(file))
  const stages = dockerfile.getFROMs()
  const base = dockerfile
    .getInitialARGs()
    .find((arg) => arg.getProperty()?.getName() === 'NODE_IMAGE')
    ?.getProperty()
    ?.getValue()
  must(/^node:\d+\.\d+\.\d+-\S+@sha256:[0-9a-f]{64}$/.test(base ?? ''), file, 'NODE_IMAGE is an exact version with its digest')
  const names = stages.map((stage) => stage.getBuildStage())
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the Dockerfile.
  for (const stage of stages) must(['${NODE_IMAGE}', ...names].includes(stage.getImage()), file, `FROM ${stage.getImage()} is not pinned`)
  for (const copy of dockerfile.getCOPYs()) {
    const from = copy.getFromFlag()?.getValue()
    must(!from || names.includes(from), file, `COPY --from=${from}: no such stage`)
  }
  for (const instruction of dockerfile.getInstructions()) {
    const [keyword, text] = [instruction.getKeyword(), instruction.getRawArgumentsContent() ?? '']
    must(keyword !== 'ADD', file, 'ADD unpacks and downloads; COPY')
    if (keyword === 'RUN' && text.includes('apt-get install')) {
      must(text.includes('--no-install-recommends') && text.includes('rm -rf /var/lib/apt/lists'), file, 'apt-get leaves more behind than asked for')
      const packages =
        /install\s+(.*?)(?:\\\n\s*)?&&/s
          .exec(text)?.[1]
          .split(/[\s\\]+/)
          .filter((word) => word && !word.startsWith('-')) ?? []
      for (const name of packages) must(name.includes('='), file, `${name} has no version`)
    }
    for (const [, script] of text.matchAll(/(?:^|\s)node (scripts\/\S+)/g)) must(existsSync(join(ROOT, script)), file, `${script} is not there`)
  }
  const last = dockerfile.getInstructions().filter((instruction) => instruction.getRange().start.line > stages.at(-1).getRange().start.line)
  const words = (keyword) => last.filter((instruction) => instruction.getKeyword() === keyword).map((instruction) => instruction.getRawArgumentsContent())
  must(/^[1-9]\d*:[1-9]\d*$/.test(words('USER').at(-1) ?? ''), file, 'USER is a number above 0')
  must(
    words('RUN').every((text) => !text.includes('apt-get')),
    file,
    'the last stage installs nothing',
  )
  must(
    words('HEALTHCHECK').length === 1 && words('ENTRYPOINT').at(-1)?.startsWith('["'),
    file,
    'HEALTHCHECK, and ENTRYPOINT without a shell, which would keep SIGTERM',
  )
  for (const [name] of words('ENV')
    .join(' ')
    .matchAll(/[A-Z_]+(?==)/g))
    must(isVariable(name), file, `the server does not read ${name}`)
}

const list = (value) => (Array.isArray(value) ? value : Object.keys(value ?? {}))

function checkCompose(file) {
  const compose = parse(file)
  if (!compose) return
  const examples = new Set([...read(join(dirname(file), '.env.example')).matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name))
  for (const [, name, rest] of read(file).matchAll(/\$\{([A-Z_]+)([^}]*)\}/g))
    must(examples.has(name) || rest.startsWith(':-'), file, `${name} is not in .env.example`)
  const made = read(join(dirname(file), 'make-secrets.sh'))
  for (const [name, { file: path }] of Object.entries(compose.secrets))
    must(path === `./secrets/${name}` && made.includes(`keep ${name}\n`), file, `nothing makes secrets/${name}`)
  const used = { secrets: new Set(), networks: new Set(), volumes: new Set() }
  for (const [name, service] of Object.entries(compose.services)) {
    const say = (holds, text) => must(holds, file, `${name}: ${text}`)
    say(service.build || /^[a-z0-9./-]+:\d+\.\d+(\.\d+)?-[a-z0-9]+(@sha256:[0-9a-f]{64})?$/.test(service.image), `${service.image} is no exact version`)
    if (service.build) say(existsSync(resolve(dirname(file), service.build.context, service.build.dockerfile)), 'its Dockerfile is not there')
    if (service.build) for (const variable of Object.keys(service.environment)) say(isVariable(variable), `the server does not read ${variable}`)
    for (const kind of ['secrets', 'networks'])
      for (const one of list(service[kind])) used[kind].add(one) && say(one in compose[kind], `no such one of ${kind}: ${one}`)
    for (const mount of service.volumes ?? []) {
      const from = mount.split(':')[0]
      if (from.startsWith('.')) say(existsSync(resolve(dirname(file), from)), `${from} is not there`)
      else used.volumes.add(from) && say(from in compose.volumes, `no such volume: ${from}`)
    }
    for (const value of Object.values(service.environment ?? {})) {
      const secret = /^\/run\/secrets\/(.+)$/.exec(String(value))?.[1]
      if (secret) say(list(service.secrets).includes(secret), `${secret} is not mounted`)
    }
    for (const [other, { condition } = {}] of Object.entries(Array.isArray(service.depends_on) ? {} : (service.depends_on ?? {})))
      say(condition !== 'service_healthy' || compose.services[other]?.healthcheck, `${other} has no healthcheck`)
    say(name === 'proxy' || !service.ports, 'only the proxy is reached from outside')
  }
  for (const kind of Object.keys(used)) for (const one of Object.keys(compose[kind])) must(used[kind].has(one), file, `${kind}: nobody uses ${one}`)
  const caddyfile = join(dirname(file), 'Caddyfile')
  const upstreams = [...read(caddyfile).matchAll(/([a-z0-9-]+):8787/g)].map(([, name]) => name)
  must(upstreams.length > 0 && upstreams.every((name) => name in compose.services), caddyfile, 'its upstreams are services')
}

const at = (values, path) =>
  path.split('.').reduce((value, key) => (value !== null && typeof value === 'object' && key in value ? value[key] : undefined), values)

/**
 * No renderer: blocks balance, what is included is defined, every value has a default in values.yaml, and what stands around the actions is YAML when each action
 * that is alone on its line is taken away and each other one is a word.
 */
function checkChart(folder) {
  const values = parse(join(folder, 'values.yaml'))
  const chart = parse(join(folder, 'Chart.yaml'))
  if (!values || !chart) return
  must(chart.apiVersion === 'v2' && chart.name === 'securechat', join(folder, 'Chart.yaml'), 'apiVersion v2 and the name')
  const templates = readdirSync(join(folder, 'templates')).map((name) => join(folder, 'templates', name))
  const text = templates.map(read).join('\n')
  const defined = new Set([...text.matchAll(/define "([^"]+)"/g)].map(([, name]) => name))
  const usedValues = new Set()
  for (const file of templates) {
    const content = read(file)
    must((content.match(/\{\{/g) ?? []).length === (content.match(/\}\}/g) ?? []).length, file, 'an action is not closed')
    let depth = 0
    for (const [, action] of content.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)) {
      if (/^(if|with|range|define|block)\b/.test(action)) depth++
      else if (action === 'end') depth--
      must(depth >= 0, file, 'an end too many')
      for (const [, name] of action.matchAll(/include "([^"]+)"/g)) must(defined.has(name), file, `${name} is not defined`)
      for (const [, path] of action.matchAll(/\.Values\.([A-Za-z0-9.]+)/g)) {
        usedValues.add(path)
        must(at(values, path) !== undefined, file, `values.yaml has no ${path}`)
      }
    }
    must(depth === 0, file, `${depth} blocks have no end`)
    if (!file.endsWith('.yaml')) continue
    const plain = content.replaceAll(/^\s*\{\{[^\n]*\}\}\s*$\n?/gm, '').replaceAll(/\{\{.*?\}\}/g, 'x')
    const { apiVersion, kind, metadata, spec } = parse(file, plain) ?? {}
    must(apiVersion && kind && metadata?.name && spec, file, 'apiVersion, kind, name and spec')
    if (kind !== 'Deployment') continue
    const pod = spec.template.spec
    const [container] = pod.containers
    must(
      pod.securityContext.runAsNonRoot && container.securityContext.readOnlyRootFilesystem && !container.securityContext.allowPrivilegeEscalation,
      file,
      'not as root',
    )
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) must(['/livez', '/readyz'].includes(container[probe]?.httpGet.path), file, probe)
    for (const { name } of container.env) must(isVariable(name), file, `the server does not read ${name}`)
    for (const { name } of container.volumeMounts)
      must(
        pod.volumes.some((volume) => volume.name === name),
        file,
        `no volume ${name}`,
      )
  }
  must(values.terminationGracePeriodSeconds > values.preStopSeconds + 5, join(folder, 'values.yaml'), 'SIGKILL comes after the drain')
  const leaves = (value, path) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, one]) => leaves(one, [...path, key]))
      : [path.join('.')]
  for (const leaf of leaves(values, []))
    must(
      [...usedValues].some((path) => leaf === path || leaf.startsWith(`${path}.`)),
      join(folder, 'values.yaml'),
      `nothing uses ${leaf}`,
    )
}

function checkWorkflow(file) {
  const workflow = parse(file)
  if (!workflow) return
  const text = read(file)
  must(workflow.permissions && !Object.values(workflow.permissions).includes('write'), file, 'writes nothing unless a job says so')
  for (const [name, job] of Object.entries(workflow.jobs)) {
    for (const other of [job.needs ?? []].flat()) must(other in workflow.jobs, file, `${name} needs ${other}, which is not there`)
    if (job.uses) must(existsSync(join(ROOT, job.uses)), file, `${job.uses} is not there`)
    else must(job['timeout-minutes'] > 0, file, `${name} has no end`)
    for (const step of job.steps ?? []) {
      if (step.uses)
        must(
          new RegExp(`${step.uses}  ?# v\\d+\\.\\d+\\.\\d+$`, 'm').test(text) && /@[0-9a-f]{40}$/.test(step.uses),
          file,
          `${step.uses} is pinned by its commit, with the version beside it`,
        )
      // What somebody else chose (a branch's name, a title) would be run as a program.
      must(!/\$\{\{/.test(step.run ?? ''), file, `${name}: an expression inside a script; hand it over in env`)
      for (const [path] of (step.run ?? '').matchAll(/(?:deploy|scripts|\.ci)\/[\w./-]+/g)) must(existsSync(join(ROOT, path)), file, `${path} is not there`)
    }
  }
}

/** Rules and panels ask for metrics and labels that the server has: a wrong name would be an alarm that never rings. */
function checkQueries(file, queries) {
  const told = read(join(serverSource, 'metrics.ts'))
  const metrics = new Set([...told.matchAll(/name: '(securechat_\w+)'/g)].map(([, name]) => name))
  const named = [...told.matchAll(/labelNames: \[([^\]]*)\]/g)].flatMap(([, names]) => [...names.matchAll(/'(\w+)'/g)].map(([, name]) => name))
  const labels = new Set(['le', 'job', 'instance', ...named])
  must(queries.length > 0, file, 'asks for nothing')
  for (const query of queries) {
    for (const [name] of query.matchAll(/securechat_\w+/g))
      must(metrics.has(name.replace(/_(bucket|count|sum)$/, '')), file, `the server does not tell ${name}`)
    for (const [, name] of query.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)) must(labels.has(name), file, `no metric has the label ${name}`)
  }
}

const rules = join(ROOT, 'deploy/prometheus/alerts.yaml')
const alerts = parse(rules)?.groups.flatMap((group) => group.rules) ?? []
for (const { alert, annotations, labels } of alerts)
  must(alert && annotations?.summary && ['warning', 'critical'].includes(labels?.severity), rules, `${alert}: summary and severity`)
checkQueries(
  rules,
  alerts.map(({ expr }) => expr),
)
const dashboard = join(ROOT, 'deploy/grafana/securechat.json')
const { panels } = JSON.parse(read(dashboard))
must(new Set(panels.map(({ id }) => id)).size === panels.length, dashboard, 'two panels of one id')
checkQueries(
  dashboard,
  panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
)

checkDockerfile(join(ROOT, 'deploy/docker/Dockerfile'))
checkCompose(join(ROOT, 'deploy/compose/compose.yaml'))
checkChart(join(ROOT, 'deploy/helm/securechat'))
const workflows = readdirSync(join(ROOT, '.github/workflows')).map((name) => join(ROOT, '.github/workflows', name))
for (const file of workflows) checkWorkflow(file)

for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log(`deploy/ and ${workflows.length} workflows: all good.`)
process.exitCode = problems.length === 0 ? 0 : 1

// Drives machines and volumes with the npm client `fly-admin`, unmodified, as its own documentation shows. Prints one
// JSON object a line: the step, and what the client answered or threw. The test reads them.
// The package's createClient takes no address in this version; the class behind it does.
const Client = require('fly-admin/dist/client').default

const [apiUrl, app_name, volumes] = process.argv.slice(2)
const fly = new Client(process.env.ALLOD_TOKEN, { apiUrl, graphqlUrl: apiUrl })

async function step(name, call) {
  try {
    const answer = await call()
    console.log(JSON.stringify({ step: name, answer: answer === undefined ? null : answer }))
    return answer
  } catch (e) {
    console.log(JSON.stringify({ step: name, error: String(e.message) }))
    return {}
  }
}

async function machines() {
  const config = {
    image: 'web',
    guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 128 },
    env: { WHO: 'fly-admin' },
    services: [
      {
        protocol: 'tcp',
        internal_port: 8080,
        ports: [{ port: 80, handlers: ['http'] }],
        concurrency: { type: 'requests', soft_limit: 20, hard_limit: 25 },
      },
    ],
    restart: { policy: 'no' },
    metadata: { by: 'fly-admin' },
  }
  const made = await step('createMachine', () => fly.Machine.createMachine({ app_name, name: 'npm', config }))
  const machine = { app_name, machine_id: made.id }
  await step('waitMachine', () => fly.Machine.waitMachine({ ...machine, state: 'started', timeout: '60s' }))
  await step('listMachines', () => fly.Machine.listMachines(app_name))
  await step('listMachines by state', () => fly.Machine.listMachines({ app_name, include_deleted: 'true', region: 'local' }))
  await step('getMachine', () => fly.Machine.getMachine(machine))
  await step('listProcesses', () => fly.Machine.listProcesses({ ...machine, sort_by: 'pid', order: 'asc' }))
  await step('cordonMachine', () => fly.Machine.cordonMachine(machine))
  await step('uncordonMachine', () => fly.Machine.uncordonMachine(machine))
  await step('restartMachine', () => fly.Machine.restartMachine({ ...machine, timeout: '2s' }))
  await step('waitMachine after restart', () => fly.Machine.waitMachine({ ...machine, state: 'started', timeout: '60' }))
  await step('stopMachine', () => fly.Machine.stopMachine({ ...machine, timeout: '2s' }))
  await step('waitMachine stopped', () => fly.Machine.waitMachine({ ...machine, state: 'stopped', timeout: '60' }))
  await step('signalMachine when stopped', () => fly.Machine.signalMachine({ ...machine, signal: 'SIGTERM' }))
  await step('startMachine', () => fly.Machine.startMachine(machine))
  await step('waitMachine again', () => fly.Machine.waitMachine({ ...machine, state: 'started', timeout: '60' }))
  const update = { ...machine, config: { ...config, env: { WHO: 'again' } } }
  await step('updateMachine', () => fly.Machine.updateMachine(update))
  await step('waitMachine updated', () => fly.Machine.waitMachine({ ...machine, state: 'started', timeout: '60' }))
  await step('listVersions', () => fly.Machine.listVersions(machine))
  await step('listEvents', () => fly.Machine.listEvents(machine))
  await step('getLease without one', () => fly.Machine.getLease(machine))
  await step('acquireLease', () => fly.Machine.acquireLease({ ...machine, ttl: 2 }))
  await step('getLease', () => fly.Machine.getLease(machine))
  await step('stopMachine when leased', () => fly.Machine.stopMachine(machine))
  await new Promise((r) => setTimeout(r, 2200))
  await step('deleteMachine', () => fly.Machine.deleteMachine({ ...machine, force: true }))
}

async function disks() {
  const made = await step('createVolume', () => fly.Volume.createVolume({ app_name, name: 'data', region: 'local', size_gb: 1 }))
  const volume = { app_name, volume_id: made.id }
  await step('getVolume', () => fly.Volume.getVolume(volume))
  await step('listVolumes', () => fly.Volume.listVolumes(app_name))
  await step('extendVolume', () => fly.Volume.extendVolume({ ...volume, size_gb: 2 }))
  await step('listSnapshots', () => fly.Volume.listSnapshots(volume))
  await step('deleteVolume', () => fly.Volume.deleteVolume(volume))
}

machines().then(() => (volumes === 'volumes' ? disks() : undefined))

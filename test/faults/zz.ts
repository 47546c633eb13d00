import { startProduct } from '../support/product.ts';
import { definition } from '../support/definitions.ts';
import { historiesOf, withTemporal } from '../support/executions.ts';
import { testTemporal } from '../support/stack.ts';
import inspector from 'node:inspector/promises';
import fs from 'node:fs';
const N=Number(process.argv[2]??400), LIMIT=process.argv[3]??'500';
const product = await startProduct({ env: { ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: LIMIT } });
await product.publish('flooded', definition('flooded', { t: { type:'map', config:{ items:'${{ input.list }}', max_parallel:1, node:{type:'wait',config:{event:'e'}}}}}));
const { id } = await product.start('flooded', { list: [...Array(N).keys()] });
const t0=Date.now();
const timer=setInterval(async()=>{ const r=await product.database.pool.query("select journal_seq, last_event_seq,(select count(*) from run_command c where c.run_id=r.id and state='acknowledged') ack,(select count(*) from run_command c where c.run_id=r.id) total,(select count(*) from outbox o where o.run_id=r.id) ob from run r where id=$1",[id]); console.log(((Date.now()-t0)/1000).toFixed(1), JSON.stringify(r.rows[0]));},1000);
const s=new inspector.Session(); s.connect(); await s.post('Profiler.enable'); await s.post('Profiler.start');
for (let n=0;n<N;n++){ const a=await product.call('POST',`/runs/${id}/events/e`,{n}); if(a.status!==202) console.log(a.status); }
console.log('sent',((Date.now()-t0)/1000).toFixed(1));
try { const r=await product.until(id,(r)=>r.ended_at!==null,40); console.log(r.state, JSON.stringify(r.error)); } catch(e){console.log(String(e).slice(0,300));}
const { profile } = await s.post('Profiler.stop'); fs.writeFileSync('/tmp/flood.cpuprofile', JSON.stringify(profile));
const r=await product.database.pool.query("select json_agg((output->'payload'->>'n')::int order by item) t from step where run_id=$1 and item>=0",[id]);
const t=r.rows[0].t??[]; console.log('in order', t.every((x:number,i:number)=>x===i), t.length);
await withTemporal(testTemporal(), async c=>{ for (const h of await historiesOf(c,id)) { const by:Record<string,number>={}; for(const e of h){by[e.eventType as any]=(by[e.eventType as any]??0)+1;} console.log(h.length, JSON.stringify(by)); let last=''; for(const e of h.slice(-190)){ const ty=String(e.eventType); const tm=Number(e.eventTime!.seconds)%1000+Number(e.eventTime!.nanos)/1e9; const line=ty; if(ty!==last|| ty!=='26') console.log(tm.toFixed(3), ty, JSON.stringify(e.workflowTaskFailedEventAttributes??e.workflowTaskTimedOutEventAttributes??'').slice(0,200)); last=ty; } }});
clearInterval(timer); await product.stop(); process.exit(0);

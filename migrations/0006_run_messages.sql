-- Events and decisions reach a run the way commands do: durable first, then a signal that carries their id.
ALTER TABLE run_command DROP CONSTRAINT run_command_type_check;
--> statement-breakpoint
ALTER TABLE run_command ADD CONSTRAINT run_command_type_check
  CHECK (type IN ('pause', 'resume', 'terminate', 'tune', 'cancel', 'event', 'decide'));

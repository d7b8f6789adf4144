-- Reminders go up in steps, each after the last one that came: what was passed over comes in its turn.
ALTER TABLE reminders ADD COLUMN came_at TEXT NOT NULL DEFAULT '';
DELETE FROM reminders WHERE message_key = '';
UPDATE reminders SET came_at = planned_at;

-- name: add_work_order
-- A work order, open; its events are a JSON array of row ids.
INSERT INTO work_orders (uuid, anima_no, user_no, events, created_at, expires_at)
VALUES (:uuid, :anima_no, :user_no, :events, :now, :expires_at);

-- name: open_work_order
-- The open work order of an anima and a caller.
SELECT * FROM work_orders WHERE anima_no = :anima_no AND user_no = :user_no AND state = 'open';

-- name: work_order_by_uuid
-- One work order by its public id.
SELECT * FROM work_orders WHERE uuid = :uuid;

-- name: close_work_order
-- A work order is completed by a dream, or of no more use; only once.
UPDATE work_orders SET state = :state, dream_id = :dream_id
WHERE order_no = :order_no AND state = 'open';

-- name: withdraw_showing
-- The open work orders of an anima that show one of some events are withdrawn; ids is a JSON array.
UPDATE work_orders SET state = 'withdrawn' WHERE anima_no = :anima_no AND state = 'open'
  AND EXISTS (
    SELECT 1 FROM json_each(events) AS shown
    WHERE shown.value IN (SELECT value FROM json_each(:ids))
  );

-- name: withdraw_all
-- The open work orders of an anima are withdrawn.
UPDATE work_orders SET state = 'withdrawn' WHERE anima_no = :anima_no AND state = 'open';

-- name: give_work_orders
-- The work orders of an anima go to its new user.
UPDATE work_orders SET user_no = :user_no WHERE anima_no = :anima_no;

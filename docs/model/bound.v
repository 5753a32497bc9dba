(* The sentences on which everything rests, for every number of sources: the vote, the memory, and
   the exclusion of leases. Checked by Coq 8.16: `coqc bound.v`. What they say of the code is in
   README.md beside this file. Times and offsets are real numbers. *)

Require Import Reals List Lra Lia PeanoNat.
Import ListNotations.
Open Scope R_scope.

(* An interval, and what it holds. *)
Record interval := { lo : R; hi : R }.
Definition holds (i : interval) (x : R) : Prop := lo i <= x <= hi i.

(* Whether it holds x, as a question that has an answer. *)
Definition holdsb (i : interval) (x : R) : bool :=
  if Rle_dec (lo i) x then if Rle_dec x (hi i) then true else false else false.

Lemma holdsb_spec : forall i x, holdsb i x = true <-> holds i x.
Proof.
  intros i x; unfold holdsb, holds.
  destruct (Rle_dec (lo i) x); destruct (Rle_dec x (hi i)); split; intros; try lra; discriminate.
Qed.

(* How many of the sources' intervals hold x. *)
Definition votes (sources : list interval) (x : R) : nat :=
  length (filter (fun i => holdsb i x) sources).

(* How many are wrong about x. *)
Definition wrong (sources : list interval) (x : R) : nat :=
  length (filter (fun i => negb (holdsb i x)) sources).

Lemma votes_and_wrong : forall sources x,
  (votes sources x + wrong sources x = length sources)%nat.
Proof.
  intros sources x; unfold votes, wrong.
  induction sources as [| i rest IH]; simpl; [reflexivity |].
  destruct (holdsb i x); simpl; lia.
Qed.

(* THE VOTE. The answer is an interval that holds each point on which n - f sources agree: the hull
   of them. If at most f are wrong (A0), it holds the truth. *)
Definition hull_of_agreement (sources : list interval) (f : nat) (answer : interval) : Prop :=
  forall x, (length sources - f <= votes sources x)%nat -> holds answer x.

Theorem the_vote_holds_the_truth : forall sources f answer truth,
  (wrong sources truth <= f)%nat ->
  hull_of_agreement sources f answer ->
  holds answer truth.
Proof.
  intros sources f answer truth few hull.
  apply hull. pose proof (votes_and_wrong sources truth). lia.
Qed.

(* The assumption is needed: with f + 1 wrong ones of at least f + 1, there is an answer that is the
   hull and does not hold the truth. *)
Theorem one_liar_more_and_the_vote_fails : exists sources f answer truth,
  wrong sources truth = S f /\ hull_of_agreement sources f answer /\ ~ holds answer truth.
Proof.
  exists [{| lo := 0; hi := 1 |}], 0%nat, {| lo := 0; hi := 1 |}, 2.
  split; [| split].
  - unfold wrong, holdsb; simpl.
    destruct (Rle_dec 0 2); [| lra]. destruct (Rle_dec 2 1); [lra | reflexivity].
  - intros x; unfold votes; simpl.
    destruct (holdsb {| lo := 0; hi := 1 |} x) eqn:E; simpl; intros enough; [| lia].
    apply holdsb_spec; exact E.
  - unfold holds; simpl; lra.
Qed.

(* MEMORY. An interval that held the truth, aged. `theta` is true time minus the monotonic clock, at
   a reading of that clock, and drifts by at most R (A1). *)
Definition drifts (theta : R -> R) (rate : R) : Prop :=
  forall s t, Rabs (theta t - theta s) <= rate * Rabs (t - s).

Definition aged (i : interval) (rate age : R) : interval :=
  {| lo := lo i - rate * age; hi := hi i + rate * age |}.

Lemma an_aged_interval_holds_the_truth : forall theta rate i s t,
  drifts theta rate -> s <= t -> holds i (theta s) -> holds (aged i rate (t - s)) (theta t).
Proof.
  intros theta rate i s t steady later held.
  specialize (steady s t). unfold holds, aged in *; simpl.
  rewrite (Rabs_right (t - s)) in steady by lra.
  unfold Rabs in steady. destruct (Rcase_abs (theta t - theta s)); lra.
Qed.

Definition both (i j : interval) : interval :=
  {| lo := Rmax (lo i) (lo j); hi := Rmin (hi i) (hi j) |}.

Lemma what_both_hold : forall i j x, holds i x -> holds j x -> holds (both i j) x.
Proof.
  intros i j x [a b] [c d]; unfold holds, both; simpl. split.
  - apply Rmax_lub; assumption.
  - apply Rmin_glb; assumption.
Qed.

(* What is remembered, aged, and narrowed by a new vote, holds the truth again. *)
Theorem memory_keeps_the_truth : forall theta rate remembered voted s t,
  drifts theta rate -> s <= t ->
  holds remembered (theta s) -> holds voted (theta t) ->
  holds (both (aged remembered rate (t - s)) voted) (theta t).
Proof.
  intros. apply what_both_hold; [| assumption].
  apply an_aged_interval_holds_the_truth with (1 := H); assumption.
Qed.

(* And so after any number of votes: the bound of a clock that has run for long. *)
Inductive bound (theta : R -> R) (rate : R) : R -> interval -> Prop :=
  | begins : forall t voted, holds voted (theta t) -> bound theta rate t voted
  | goes_on : forall s t remembered voted,
      bound theta rate s remembered -> s <= t -> holds voted (theta t) ->
      bound theta rate t (both (aged remembered rate (t - s)) voted)
  | ages : forall s t remembered,
      bound theta rate s remembered -> s <= t ->
      bound theta rate t (aged remembered rate (t - s)).

Theorem a_bound_holds_the_truth : forall theta rate t i,
  drifts theta rate -> bound theta rate t i -> holds i (theta t).
Proof.
  intros theta rate t i steady b.
  induction b as [t voted held | s t remembered voted _ IH later held | s t remembered _ IH later].
  - exact held.
  - apply memory_keeps_the_truth; assumption.
  - apply an_aged_interval_holds_the_truth with (1 := steady); assumption.
Qed.

(* LEASES. Two processes, each with an interval for each instant (in true time) at which it looks.
   The first holds the lease while `latest` is before its end; the second takes it once `earliest`
   is after that end. If both intervals hold the instant, the first is over when the second begins.
   Whatever pauses there are between a look and what follows from it: the write that comes too late
   is what fencing is for. *)
Definition sound (reading : R -> interval) : Prop := forall now, holds (reading now) now.

Theorem no_instant_has_two_holders : forall first second until looked taken,
  sound first -> sound second ->
  hi (first looked) < until ->
  until < lo (second taken) ->
  looked < taken.
Proof.
  intros first second until looked taken s1 s2 held free.
  specialize (s1 looked). specialize (s2 taken). unfold holds in *. lra.
Qed.

(* COMMIT WAIT. A transaction is stamped at or above `latest` when it is stamped, and is visible once
   its stamp has certainly passed. What begins after that, on any machine, is stamped above it. *)
Theorem visible_before_means_stamped_below : forall here there stamp seen later next,
  sound here -> sound there ->
  stamp < lo (here seen) ->
  seen <= later ->
  hi (there later) <= next ->
  stamp < next.
Proof.
  intros here there stamp seen later next s1 s2 passed after above.
  specialize (s1 seen). specialize (s2 later). unfold holds in *. lra.
Qed.

Print Assumptions a_bound_holds_the_truth.

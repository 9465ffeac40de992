//! What a store does, whatever the engine.

mod admin;
mod apps;
pub(crate) mod backup;
mod budgets;
pub(crate) mod concurrency;
mod copying;
mod corruption;
mod digests;
mod families;
mod keys;
pub(crate) mod lists;
pub(crate) mod log;
mod nodes;
mod opening;
mod operators;
mod per_user;
mod restore;
mod retention;
mod rotation;
pub(crate) mod self_made;
mod sharing;
pub(crate) mod start;
mod texts;
pub(crate) mod tokens;
pub(crate) mod totals;
mod usage;

/// Makes one test of each case and engine, and one more that is read by a second node of what a first writes. A case that is not named here is dead code, which the gate refuses.
macro_rules! conformance {
    ($($module:ident { $($case:ident,)* })*) => {
        mod on_sqlite {
            $(mod $module {
                $(#[tokio::test]
                async fn $case() {
                    use crate::database::{TestDatabase, Location};
                    crate::conformance::$module::$case(&TestDatabase::new(Location::sqlite()).await).await;
                })*
            })*
        }

        mod on_postgres {
            $(mod $module {
                $(#[tokio::test]
                async fn $case() {
                    use crate::database::{TestDatabase, Location};
                    if !jeton_testkit::skips("PostgreSQL") {
                        crate::conformance::$module::$case(&TestDatabase::new(Location::postgres()).await).await;
                    }
                })*
            })*
        }

        mod on_two_nodes {
            $(mod $module {
                $(#[tokio::test]
                async fn $case() {
                    use crate::database::{TestDatabase, Location};
                    if !jeton_testkit::skips("PostgreSQL") {
                        crate::conformance::$module::$case(&TestDatabase::new(Location::nodes()).await).await;
                    }
                })*
            })*
        }
    };
}

conformance! {
    start {
        a_new_database_knows_nothing,
        genesis_writes_everything_once,
        genesis_without_keys_is_a_start_too,
        of_many_at_once_one_initialises,
    }
    copying {
        everything_is_copied_to_either_engine,
        wherever_a_copy_ends_it_goes_on,
        an_unfinished_copy_is_nothing_else,
        a_source_that_changes_meanwhile_is_noticed,
        what_cannot_be_copied_is_left_alone,
    }
    budgets {
        portions_add_up,
        no_use_is_given_to_two,
        other_limits_begin_anew,
        what_is_gone_gives_nothing,
        a_restore_gives_no_use_back,
    }
    apps {
        an_app_comes_back_as_it_was_made,
        keys_and_clients_are_taken_once,
        a_change_needs_the_revision,
        a_change_leaves_the_rest_as_it_is,
        a_deleted_app_is_unknown_with_all_its_tokens,
        a_freed_key_gets_another_number,
        a_deleted_app_changes_no_more,
        deleted_apps_are_swept_in_batches,
    }
    tokens {
        a_token_comes_back_as_it_was_issued,
        a_replaced_token_comes_back_as_it_is_now,
        what_is_not_there_is_none,
        duplicates_are_told_one_by_one,
        a_revoked_digest_is_a_tombstone,
        a_deleted_token_leaves_nothing,
        the_same_digest_lives_in_two_apps,
        a_replacement_needs_the_revision,
        revoking_happens_once,
        no_tokens_are_inserted_as_well,
        thousands_go_in_at_once,
        instants_at_the_ends_of_time_come_back,
        sealed_values_are_swept_in_batches,
        an_unknown_app_takes_no_tokens,
        many_are_found_at_once,
    }
    digests {
        old_client_secrets_stay_as_they_are,
        further_digests_find_their_token,
        a_further_digest_is_taken_and_goes_with_its_token,
        a_backup_holds_further_digests_and_brings_back_none_that_ended,
    }
    families {
        a_token_is_read_with_all_above_it,
        a_token_is_above_those_of_its_app_alone,
        what_has_lost_its_parent_is_found,
    }
    rotation {
        old_secrets_end_and_the_token_stays,
        a_rotation_of_what_has_changed_does_nothing,
        only_the_latest_old_secrets_are_remembered,
        a_restore_brings_no_old_secret_back,
        reuse_is_told_and_changes_nothing,
    }
    keys {
        rows_name_the_keys_that_they_need,
        a_digest_takes_the_place_of_the_one_that_it_was_made_for,
        a_rotated_token_names_the_keys_of_each_secret,
        a_key_is_retired_once_nothing_needs_it,
        nothing_is_written_that_a_retired_key_is_needed_for,
        a_data_key_takes_the_place_of_the_one_that_it_was_sealed_for,
    }
    lists {
        pages_by_skip_and_by_key_are_equal,
        pages_by_creation_go_on_where_they_ended,
        filters_let_through_what_they_say,
        loopback_sees_what_is_on_and_did_not_leave,
        revoked_tokens_do_not_count,
        skips_beyond_the_end_are_empty,
    }
    usage {
        uses_add_up,
        a_use_changes_neither_revision_nor_log,
        use_goes_with_its_token,
        unused_tokens_are_found,
        thousands_are_used_at_once,
    }
    operators {
        an_operator_is_found_until_revoked,
        no_two_operators_have_one_name,
        two_operators_do_not_share_a_token,
    }
    log {
        every_write_has_its_entry,
        what_goes_is_told_with_its_sealed_secret_for_a_while,
        refused_writes_have_none,
        genesis_is_logged,
        pages_go_on_where_they_ended,
        news_are_told_once,
        news_do_not_wait_for_open_transactions,
        what_cannot_be_told_is_not_told_in_part,
        foreign_digests_are_found_by_number,
    }
    nodes {
        a_server_is_as_it_noted_last,
        those_that_fell_silent_are_forgotten_by_others,
        the_database_server_has_a_clock_and_a_file_has_none,
    }
    retention {
        expired_tokens_are_purged_in_batches,
        what_expired_before_it_was_written_stays_as_long,
        tombstones_are_purged_but_not_those_of_foreign_secrets,
        the_log_is_trimmed_from_its_beginning,
        readers_learn_of_gaps_and_epochs,
    }
    per_user {
        each_user_has_its_own_places,
        revoked_and_expired_tokens_take_no_place,
        a_token_that_changes_hands_needs_a_place,
        many_writers_keep_to_it,
    }
    self_made {
        they_stay_within_their_limits,
        expired_ones_make_room,
        whatever_becomes_of_them_is_counted,
        a_token_that_becomes_self_made_needs_room,
        many_writers_keep_to_the_limit,
        a_restore_counts_anew,
    }
    totals {
        they_are_what_there_is_after_any_writes,
        they_are_exact_when_many_write,
        a_restore_brings_those_of_the_backup,
        a_wrong_one_is_found,
    }
    backup {
        everything_comes_back_on_either_engine,
        what_was_removed_since_stays_removed,
        a_restore_may_bring_back_what_was_removed,
        a_later_backup_brings_what_was_issued_since,
        a_change_read_before_a_restore_is_stale_after_it,
        a_restore_that_fails_changes_nothing,
        a_backup_under_load_is_of_one_instant,
        what_makes_no_sense_is_found,
    }
    restore {
        no_token_allows_more_than_before,
        a_restore_as_of_the_backup_keeps_nothing,
        what_an_app_refuses_stays_refused,
        what_was_never_known_is_counted,
    }
    texts {
        odd_texts_come_back,
        a_nul_is_refused_and_nothing_is_written,
    }
    concurrency {
        what_was_acknowledged_is_there,
        of_many_replacements_one_wins,
        of_many_duplicates_one_wins,
        a_bad_write_fails_alone,
        a_caller_that_leaves_disturbs_nobody,
        another_store_sees_what_was_acknowledged,
        close_finishes_what_is_under_way,
        after_close_everything_is_unavailable,
    }
    sharing {
        a_crowd_that_counts_or_lists_delays_no_other_app,
        a_crowd_that_is_sought_in_batches_delays_nobody,
        a_crowd_that_writes_delays_no_other_app_and_no_revoking,
        more_than_may_wait_are_refused_and_others_served,
    }
    opening {
        many_may_open_a_new_database_at_once,
        what_was_written_is_there_after_opening_again,
        a_newer_database_is_used_if_it_can_be,
    }
    admin {
        searches_find_what_they_say,
        searches_go_together_and_are_sorted,
        a_look_ends_somewhere,
        many_are_revoked_at_once,
        the_log_is_looked_through_from_its_end,
        what_there_is_is_counted,
        counts_for_a_page_stop_at_a_bound,
        a_key_is_claimed_once,
    }
    corruption {
        tokens_that_make_no_sense_are_corrupt,
        other_rows_that_make_no_sense_are_corrupt,
    }
}

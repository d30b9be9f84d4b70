// GrammarLaws: each span reader and its rule in the grammar are twins: they read the same texts, and
// read the same in them (RFC 3261 §25.1).

module Sip.Properties.Grammar.GrammarLaws

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Properties
open Sip.Properties.Grammar.Twins

let private printsBack (text: string) =
    match Lexical.read GrammarField.reasons text with
    | Result.Ok reasons ->
        let printed = String.Join(", ", List.map Reason.print reasons)

        if Lexical.read GrammarField.reasons printed = Result.Ok reasons then
            ValueSome Read
        else
            ValueNone
    | Result.Error _ -> ValueSome Refused

let private law (twin: Twin) : Test =
    Law.holdsMeeting twin.Outcomes twin.Sentence twin.Texts twin.Compare

let all =
    testList
        "Grammar"
        [
            yield! List.map law Twins.all
            Law.holdsMeeting
                [ Read; Refused ]
                "printed Reasons read back"
                (Texts.every Texts.reasons)
                printsBack
        ]

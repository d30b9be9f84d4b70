module Main

open Expecto
open Sip.Properties
open Sip.Properties.Grammar
open Sip.Properties.Registrar

let private registrar =
    testList "Registrar" [ NameLaws.all; RegisterLaws.all; BindingsLaws.all ]

let private identity =
    testList
        "Identity"
        [
            CredentialLaws.all
            NonceLaws.all
            NonceCountLaws.all
            AuthenticationLaws.all
            SecrecyLaws.all
            PrincipalLaws.all
        ]

[<EntryPoint>]
let main arguments =
    Closing.run
        arguments
        (testList
            "Laws"
            [
                VocabularyLaws.all
                WireLaws.all
                GrammarLaws.all
                StreamLaws.all
                ClientLaws.all
                identity
                registrar
                RoutingLaws.all
                AllocationLaws.all
                TransactionLaws.all
                ForkLaws.all
                SetupLaws.all
                World.WorldLaws.all
                World.HostileLaws.all
                World.FarEndLaws.all
            ])

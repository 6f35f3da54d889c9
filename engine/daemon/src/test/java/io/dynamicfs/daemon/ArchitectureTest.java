package io.dynamicfs.daemon;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The rooms of the daemon: engine below control below demo below cli. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.dynamicfs.daemon");

    @Test
    void theEngineKnowsNeitherProtocolNorCommandLine() {
        noClasses()
                .that()
                .resideInAPackage("..daemon.engine..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "..daemon.control..",
                        "..daemon.cli..",
                        "..daemon.demo..",
                        "io.dynamicfs.control..",
                        "io.grpc..",
                        "picocli..")
                .check(CLASSES);
    }

    @Test
    void theControlServiceDoesNotKnowTheCommandLine() {
        noClasses()
                .that()
                .resideInAPackage("..daemon.control..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("..daemon.cli..", "..daemon.demo..", "picocli..")
                .check(CLASSES);
    }

    @Test
    void theDemoAndTheBenchmarkUseTheEngineOnlyAsAnybodyCould() {
        noClasses()
                .that()
                .resideInAnyPackage("..daemon.demo..", "..daemon.bench..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("..daemon.engine..", "..daemon.cli..", "io.dynamicfs.engine..", "picocli..")
                .check(CLASSES);
    }

    @Test
    void onlyTheCommandLineKnowsPicocliAndJacksonIsForItsOutputAndTheEnginesState() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..daemon.cli..", "..daemon.engine..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("com.fasterxml.jackson..")
                .check(CLASSES);
    }

    @Test
    void oneClassKnowsThatThereIsASecondTransport() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName("io.dynamicfs.daemon.engine.Transports")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.dynamicfs.engine.jnr..", "ru.serce..", "jnr..")
                .check(CLASSES);
    }
}

package io.dynamicfs.csi;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The rooms of the driver: what knows the kernel below what knows the engine below what knows CSI and Kubernetes. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.dynamicfs.csi")
            .that(DescribedPredicate.not(
                    resideInAnyPackage("io.dynamicfs.csi.v1..", "io.dynamicfs.csi.registration..")));

    @Test
    void aRoomUsesOnlyTheRoomsBelowIt() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true)
                .layer("process")
                .definedBy("io.dynamicfs.csi.process..")
                .layer("rpc")
                .definedBy("io.dynamicfs.csi.rpc..")
                .layer("volume")
                .definedBy("io.dynamicfs.csi.volume..")
                .layer("disk")
                .definedBy("io.dynamicfs.csi.disk..")
                .layer("mount")
                .definedBy("io.dynamicfs.csi.mount..")
                .layer("keeper")
                .definedBy("io.dynamicfs.csi.keeper..")
                .layer("engine")
                .definedBy("io.dynamicfs.csi.engine..")
                .layer("service")
                .definedBy("io.dynamicfs.csi.service..")
                .layer("agent")
                .definedBy("io.dynamicfs.csi.agent..")
                .layer("kubelet")
                .definedBy("io.dynamicfs.csi.kubelet..")
                .layer("main")
                .definedBy("io.dynamicfs.csi")
                .whereLayer("mount")
                .mayOnlyAccessLayers("process", "rpc")
                .whereLayer("disk")
                .mayNotAccessAnyLayer()
                .whereLayer("process")
                .mayNotAccessAnyLayer()
                .whereLayer("rpc")
                .mayNotAccessAnyLayer()
                .whereLayer("volume")
                .mayNotAccessAnyLayer()
                .whereLayer("keeper")
                .mayOnlyAccessLayers("mount", "rpc", "volume")
                .whereLayer("engine")
                .mayOnlyAccessLayers("keeper", "disk", "mount", "rpc", "volume")
                .whereLayer("service")
                .mayOnlyBeAccessedByLayers("main")
                .whereLayer("agent")
                .mayOnlyBeAccessedByLayers("main")
                .whereLayer("kubelet")
                .mayOnlyBeAccessedByLayers("main")
                .check(CLASSES);
    }

    @Test
    void onlyTheAgentAndTheStartKnowTheApiServer() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.dynamicfs.csi.agent..", "io.dynamicfs.csi")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.fabric8..", "io.dynamicfs.crd..")
                .check(CLASSES);
    }

    @Test
    void ofTheCoreOnlyWhatIsAboutTheKernelAndDisksIsUsed() {
        classes()
                .that()
                .resideOutsideOfPackage("io.dynamicfs.csi.disk..")
                .should()
                .onlyDependOnClassesThat(DescribedPredicate.not(resideInAnyPackage("io.dynamicfs.engine.."))
                        .or(resideInAnyPackage("io.dynamicfs.engine.syscall..", "io.dynamicfs.engine.device.."))
                        .or(named("MountOption", "MountException", "MountTable", "BackingDevice")))
                .check(CLASSES);
    }

    private static DescribedPredicate<JavaClass> named(String... names) {
        return new DescribedPredicate<>("the kernel's mounts") {
            @Override
            public boolean test(JavaClass type) {
                for (String name : names) {
                    if (type.getName().startsWith("io.dynamicfs.engine.mount." + name)) {
                        return true;
                    }
                }
                return false;
            }
        };
    }
}
